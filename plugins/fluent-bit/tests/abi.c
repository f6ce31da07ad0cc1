/* Uses logscrub as a program in C does; ends with the number of the line that went wrong. */
#include <string.h>

#include "logscrub.h"

#define EXPECT(what) \
    if (!(what)) return __LINE__

static int is(const char *out, size_t length, const char *expected) {
    return out && length == strlen(expected) && memcmp(out, expected, length) == 0;
}

int main(void) {
    const char *wrong[] = {"--only", "no-such-rule"};
    EXPECT(logscrub_new(wrong, 2) == NULL);
    EXPECT(logscrub_new_error() && strstr(logscrub_new_error(), "no-such-rule"));

    const char *flags[] = {"--config", "none", "--style", "email=mask"};
    logscrub *scrubber = logscrub_new(flags, 4);
    EXPECT(scrubber && !logscrub_new_error());

    char *out;
    size_t length;
    EXPECT(logscrub_scrub(scrubber, "plain\n", 6, &out, &length) == LOGSCRUB_CLEAN && !out);
    EXPECT(logscrub_scrub(scrubber, NULL, 0, &out, &length) == LOGSCRUB_CLEAN && !out);
    const char *line = "from alice@example.org\n";
    EXPECT(logscrub_scrub(scrubber, line, strlen(line), &out, &length) == LOGSCRUB_CHANGED);
    EXPECT(is(out, length, "from *****************\n"));
    logscrub_free_output(out);

    const char event[] = "\x92\x01\x81\xa3log\xb1" "alice@example.org";
    EXPECT(logscrub_scrub_events(scrubber, "app", 3, event, sizeof event - 1, &out, &length) == LOGSCRUB_CHANGED);
    EXPECT(is(out, length, "\x92\x01\x81\xa3log\xb1*****************"));
    logscrub_free_output(out);
    EXPECT(logscrub_findings(scrubber) == 2 && logscrub_withheld(scrubber) == 0 && !logscrub_error(scrubber));

    EXPECT(logscrub_scrub_events(scrubber, "app", 3, "\x92\x01", 2, &out, &length) == LOGSCRUB_FAILED && !out && !length);
    EXPECT(strstr(logscrub_error(scrubber), "malformed msgpack") && logscrub_withheld(scrubber) == 1);
    EXPECT(logscrub_scrub(scrubber, "plain\n", 6, &out, &length) == LOGSCRUB_CLEAN && !logscrub_error(scrubber));
    logscrub_free(scrubber);
    logscrub_free(NULL);
    logscrub_free_output(NULL);
    return 0;
}
