/* Two threads with one scrubber: errors belong to threads, state to scrubbers. The exit code is the
 * number of the line that failed. */
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "logscrub.h"

/* Ends the whole program: the other thread may wait at the barrier. */
#define EXPECT(what) \
    if (!(what)) _exit(__LINE__)

static const char BROKEN[] = "\x92\x01";
static const char LINE[] = "from alice@example.org\n";
static const char KEY[] = "-----BEGIN RSA PRIVATE KEY-----\n";
/* A line of base64 that stands for nothing. */
static char body[66];

static logscrub *shared;
static pthread_barrier_t barrier;

/* Passes in both threads at the same time, so that each step of one thread is between two of the
 * other. */
static void step(void) { pthread_barrier_wait(&barrier); }

static int fails(void) {
    char *out;
    size_t length;
    return logscrub_scrub_events(shared, "app", 3, BROKEN, 2, &out, &length) == LOGSCRUB_FAILED && !out && !length;
}

static int scrub(logscrub *scrubber, const char *text) {
    char *out;
    size_t length;
    int answer = logscrub_scrub(scrubber, text, strlen(text), &out, &length);
    logscrub_free_output(out);
    return answer;
}

static int scrubs(logscrub *scrubber, const char *text, int expected) { return scrub(scrubber, text) == expected; }

static void *other(void *unused) {
    (void)unused;
    step(); /* 1: the first thread has failed */
    EXPECT(!logscrub_error(shared));
    for (int i = 0; i < 1000; i++) EXPECT(scrubs(shared, LINE, LOGSCRUB_CHANGED) && !logscrub_error(shared));
    for (int i = 0; i < 1000; i++) EXPECT(fails() && strstr(logscrub_error(shared), "malformed msgpack"));
    const char *wrong[] = {"--only", "no-such-rule"};
    EXPECT(!logscrub_new(wrong, 2) && strstr(logscrub_new_error(), "no-such-rule") && !logscrub_error(shared));
    step(); /* 2: the first thread looks at its own error */
    step(); /* 3: the first thread has succeeded */
    EXPECT(strstr(logscrub_new_error(), "no-such-rule"));
    EXPECT(scrub(shared, KEY) != LOGSCRUB_FAILED);
    step(); /* 4: a key is open */
    step(); /* 5: it was forgotten */
    EXPECT(scrubs(shared, "plain\n", LOGSCRUB_CLEAN));
    return NULL;
}

int main(void) {
    for (int i = 0; i < 64; i++) body[i] = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789"[i * 7 % 36];
    body[64] = '\n';
    const char *flags[] = {"--config", "none"};
    shared = logscrub_new(flags, 2);
    EXPECT(shared && pthread_barrier_init(&barrier, NULL, 2) == 0);
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, other, NULL) == 0);

    EXPECT(fails());
    const char *error = logscrub_error(shared);
    EXPECT(strstr(error, "malformed msgpack") && !logscrub_new_error());
    char copy[200];
    EXPECT(strlen(error) < sizeof copy);
    strcpy(copy, error);
    step(); /* 1 */
    step(); /* 2 */
    EXPECT(logscrub_error(shared) == error && strcmp(error, copy) == 0);
    /* The counts tell nothing of errors. */
    EXPECT(logscrub_withheld(shared) == 1001 && logscrub_error(shared) == error);
    EXPECT(scrubs(shared, LINE, LOGSCRUB_CHANGED) && !logscrub_error(shared));
    step(); /* 3 */
    step(); /* 4 */
    /* The open key belongs to the stream, whichever thread continues it; another stream has none. */
    EXPECT(scrubs(shared, body, LOGSCRUB_CHANGED));
    logscrub *fork = logscrub_fork(shared);
    EXPECT(fork && scrubs(fork, "plain\n", LOGSCRUB_CLEAN) && scrubs(fork, LINE, LOGSCRUB_CHANGED));
    EXPECT(logscrub_findings(fork) == 1);
    uint64_t n_findings = logscrub_findings(shared);
    EXPECT(scrubs(shared, body, LOGSCRUB_CHANGED));
    EXPECT(logscrub_reset(shared) == LOGSCRUB_CLEAN && logscrub_findings(shared) >= n_findings);
    EXPECT(n_findings >= 1002 && scrubs(shared, "plain\n", LOGSCRUB_CLEAN));
    step(); /* 5 */
    EXPECT(pthread_join(thread, NULL) == 0);

    /* An error belongs to its scrubber too. */
    EXPECT(fails() && logscrub_error(shared) && !logscrub_error(fork));
    logscrub_free(shared);
    EXPECT(scrubs(fork, LINE, LOGSCRUB_CHANGED));
    shared = fork;
    EXPECT(fails() && logscrub_error(fork) && scrubs(fork, LINE, LOGSCRUB_CHANGED) && !logscrub_error(fork));
    logscrub_free(fork);
    return 0;
}
