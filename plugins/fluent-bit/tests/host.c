/* Plays Fluent Bit's loader: opens the plugin, copies its structure, sets it up with the properties of the arguments, and gives it chunks.
 *
 * host PLUGIN [PROPERTY VALUE]...: standard input holds chunks, each behind its length (four bytes, big end first); standard output gets, for each,
 * what the filter answered (a byte) and what it gave back, behind its length. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct instance {
    char **properties;
    int n_properties;
    void *context;
};

void flb_filter_set_context(struct instance *instance, void *context) { instance->context = context; }

const char *flb_filter_get_property(const char *name, struct instance *instance) {
    for (int i = 0; i + 1 < instance->n_properties; i += 2)
        if (strcmp(instance->properties[i], name) == 0) return instance->properties[i + 1];
    return NULL;
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
    struct instance instance = {argv + 2, argc - 2, NULL};
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
