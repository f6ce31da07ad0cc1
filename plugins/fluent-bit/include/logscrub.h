/* logscrub for C: scrubs email addresses, credentials and credential-bearing URLs from logs.
 *
 * Link with the shared object that Fluent Bit loads (plugins/fluent-bit), or open it with dlopen.
 * No function lets an exception or a panic out.
 *
 * One scrubber is for one stream of records. It keeps its state from call to call: the lines that
 * follow the first line of a private key are masked until the key ends, also when they come in
 * later calls. Use logscrub_fork to get a scrubber for each stream, and logscrub_reset between two
 * streams. Several threads may use one scrubber; they wait for each other and share its state: a
 * key that one thread leaves open masks the input of the next.
 *
 * Errors are kept per thread. logscrub_new_error and logscrub_error return the error of this
 * thread's last call of logscrub_new, _fork, _reset, _scrub or _scrub_events, or NULL if it
 * succeeded. The text is valid until this thread's next such call, or until the thread ends; no
 * other thread changes or frees it.
 */

#ifndef LOGSCRUB_H
#define LOGSCRUB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Results. */
#define LOGSCRUB_CLEAN 0   /* nothing was found: the output is the input, and *out is NULL */
#define LOGSCRUB_CHANGED 1 /* *out is the output; free it with logscrub_free_output */
#define LOGSCRUB_FAILED -1 /* not examined: do not pass it on; logscrub_error says why */

typedef struct logscrub logscrub;

/* A new scrubber. `flags` are flags of the program ("--only", "credential", "--style", "mask",
 * "--config", "none"), n_flags of them. Configuration files and LOGSCRUB_* are read as by the
 * program. Returns NULL on an error; see logscrub_new_error. */
logscrub *logscrub_new(const char *const *flags, size_t n_flags);

/* A new scrubber with the rules and policy of `self` for another stream. Nothing is open in it and
 * its counts are 0. It shares the tables of `self`, so it costs next to nothing, and may outlive
 * `self`. Returns NULL on an error; see logscrub_new_error. */
logscrub *logscrub_fork(logscrub *self);

/* Why this thread's last call failed, if that was logscrub_new or logscrub_fork; otherwise NULL. */
const char *logscrub_new_error(void);

/* Forgets what is open, such as a private key without its last line. The counts stay. Call it if
 * the next input does not follow the last one. Returns LOGSCRUB_CLEAN or LOGSCRUB_FAILED. */
int logscrub_reset(logscrub *self);

/* Scrubs lines of text: whole records, each with its line end (the last one may lack it). */
int logscrub_scrub(logscrub *self, const char *in, size_t in_len, char **out, size_t *out_len);

/* Scrubs a chunk of msgpack as Fluent Bit gives it to its filters: entries [[time, metadata],
 * record], or [time, record]. Each tag is a stream with its own state: lines that a container
 * runtime has cut between chunks of one tag are examined together. */
int logscrub_scrub_events(logscrub *self, const char *tag, size_t tag_len, const char *in,
                          size_t in_len, char **out, size_t *out_len);

/* The number of records that were withheld because they could not be examined or failed the
 * verification. */
uint64_t logscrub_withheld(logscrub *self);

/* The number of replaced findings. */
uint64_t logscrub_findings(logscrub *self);

/* Why this thread's last call failed, if that was logscrub_scrub, _scrub_events or _reset with this
 * scrubber; otherwise NULL. It never contains a value of the input. */
const char *logscrub_error(logscrub *self);

void logscrub_free_output(char *out);
void logscrub_free(logscrub *self);

#ifdef __cplusplus
}
#endif

#endif
