/* Plays Fluent Bit's loader: opens the plugin, copies its structure, sets it up with the properties
 * in the arguments, and gives it chunks.
 *
 * host PLUGIN [PROPERTY VALUE]...: standard input contains chunks, each after its length (four
 * bytes, big-endian). For each chunk, standard output gets the answer of the filter (a byte) and the
 * chunk that it returned, after its length. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct plugin {
    int event_type, flags;
    char *name, *description;
    void *config_map;
    int (*pre_run)(void *, void *, void *);
    int (*init)(void *, void *, void *);
    int (*filter)(const void *, size_t, const char *, int, void **, size_t *, void *, void *, void *, void *);
    int (*exit)(void *, void *);
    int (*notification)(void *, void *, void *);
    void *list[2];
};

struct list {
    struct list *prev, *next;
};

struct pair {
    char *key, *value;
    struct list list;
};

/* As in Fluent Bit 5.1, less what stands behind the properties. */
struct instance {
    int event_type, id, log_level, log_suppress_interval;
    char name[32];
    char *alias, *match;
#ifndef WITHOUT_REGEX
    void *match_regex;
#endif
    void *parent_processor;
    void *context;
    void *data;
#ifdef STRANGE
    void *added;
#endif
    struct plugin *plugin;
    struct list properties;
    void *rest[32];
};

void flb_filter_set_context(struct instance *instance, void *context) { instance->context = context; }

static struct pair *pair_of(struct list *list) { return (struct pair *)((char *)list - offsetof(struct pair, list)); }

const char *flb_filter_get_property(const char *name, struct instance *instance) {
    for (struct list *at = instance->properties.next; at != &instance->properties; at = at->next)
        if (strcasecmp(pair_of(at)->key, name) == 0) return pair_of(at)->value;
    return NULL;
}

static void add(struct instance *instance, char *key, char *value) {
    struct pair *pair = malloc(sizeof *pair);
    struct list *head = &instance->properties;
    *pair = (struct pair){key, value, {head->prev, head}};
    head->prev->next = &pair->list;
    head->prev = &pair->list;
}

static uint32_t read_length(void) {
    unsigned char bytes[4];
    if (fread(bytes, 1, 4, stdin) != 4) return UINT32_MAX;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

int main(int argc, char **argv) {
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library) return fprintf(stderr, "%s\n", dlerror()), 10;
    void *symbol = dlsym(library, "filter_logscrub_plugin");
    if (!symbol) return fprintf(stderr, "%s\n", dlerror()), 11;
    struct plugin plugin;
    memcpy(&plugin, symbol, sizeof plugin);
    if (strcmp(plugin.name, "logscrub") != 0) return 12;
    struct instance instance = {.plugin = &plugin, .properties = {&instance.properties, &instance.properties}};
    for (int i = 2; i + 1 < argc; i += 2) add(&instance, argv[i], argv[i + 1]);
    if (plugin.init(&instance, NULL, NULL) != 0) return 13;
    for (uint32_t length; (length = read_length()) != UINT32_MAX;) {
        char *chunk = malloc(length ? length : 1);
        if (fread(chunk, 1, length, stdin) != length) return 14;
        void *out = NULL;
        size_t out_length = 0;
        int answer = plugin.filter(chunk, length, "app.log", 7, &out, &out_length, &instance, NULL, instance.context, NULL);
        unsigned char head[5] = {(unsigned char)answer, (unsigned char)(out_length >> 24), (unsigned char)(out_length >> 16),
                                 (unsigned char)(out_length >> 8), (unsigned char)out_length};
        fwrite(head, 1, 5, stdout);
        if (out_length) fwrite(out, 1, out_length, stdout);
        free(out);
        free(chunk);
    }
    plugin.exit(instance.context, NULL);
    return 0;
}
