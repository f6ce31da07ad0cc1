/* logscrub for C: scrubs email addresses, credentials and credential-bearing URLs from logs.
 *
 * Link with the shared object that Fluent Bit loads (plugins/fluent-bit), or open it with dlopen. Nothing here lets an exception or a
 * panic out. A scrubber may be used by several threads; they wait for each other.
 */
#ifndef LOGSCRUB_H
#define LOGSCRUB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of an input. */
#define LOGSCRUB_CLEAN 0   /* nothing was found: the input is the output, and *out is NULL */
#define LOGSCRUB_CHANGED 1 /* *out holds the output, to be freed with logscrub_free_output */
#define LOGSCRUB_FAILED -1 /* it could not be examined: nothing of it may be passed on; logscrub_error says why */

typedef struct logscrub logscrub;

/* A new scrubber. `flags` are flags of the program as it takes them ("--only", "credential", "--style", "mask", "--config", "none"), n_flags
 * of them; configuration files and LOGSCRUB_* are read below them as the program does. NULL on an error, which logscrub_new_error tells. */
logscrub *logscrub_new(const char *const *flags, size_t n_flags);

/* Why the last logscrub_new of this thread failed, or NULL. Valid until the thread's next logscrub_new. */
const char *logscrub_new_error(void);

/* Scrubs lines of text: whole records, each with its line end (the last one may lack it). */
int logscrub_scrub(logscrub *self, const char *in, size_t in_len, char **out, size_t *out_len);

/* Scrubs a chunk of msgpack as Fluent Bit hands it to its filters: entries [[time, metadata], record], or [time, record]. Lines that a container runtime has cut between
 * chunks of one tag are judged with what came before. */
int logscrub_scrub_events(logscrub *self, const char *tag, size_t tag_len, const char *in, size_t in_len, char **out, size_t *out_len);

/* How many records were withheld because they could not be examined, or no longer were what they had been. */
uint64_t logscrub_withheld(logscrub *self);

/* How many findings were replaced. */
uint64_t logscrub_findings(logscrub *self);

/* Why the last call with this scrubber failed, or NULL. It never holds a value of the input. Valid until the next call with it. */
const char *logscrub_error(logscrub *self);

void logscrub_free_output(char *out);
void logscrub_free(logscrub *self);

#ifdef __cplusplus
}
#endif

#endif
