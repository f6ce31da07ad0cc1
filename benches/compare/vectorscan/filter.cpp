// The Vectorscan program: `filter RULES [--list] < log > clean`.
//
// RULES is the output of `rules`: id, the pattern to search for, the pattern of the exact span,
// words that must be nearby, separated by tabs. One database of all patterns is searched in block
// mode over large blocks that end on a line. Vectorscan reports the rule and the end of a match.
// PCRE2, compiled to machine code, then finds the exact spans of that rule in that line, and no
// line twice for one rule. Clean blocks are written in one call from where they were read. --list
// prints the rules that Vectorscan does not accept, and ends.

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <strings.h>
#include <unistd.h>
#include <vector>

#include <hs/hs.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace {

constexpr size_t BLOCK = 256 << 10;

struct Rule {
    std::string id, search, exact, placeholder;
    std::vector<std::string> near;
    pcre2_code *code = nullptr;
    uint32_t secret = 0;
    size_t tried = 0;  // up to where lines of this block were searched
};

struct Finding {
    size_t start, end;
    unsigned rule;
};

struct Hit {
    unsigned rule;
    size_t end;
};

struct Scan {
    std::vector<Rule> *rules;
    const char *block;
    size_t size;
    std::vector<Hit> hits;
};

[[noreturn]] void fail(const std::string &why) {
    std::fprintf(stderr, "filter: %s\n", why.c_str());
    std::exit(1);
}

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts;
    size_t from = 0, at;
    while ((at = text.find(separator, from)) != std::string::npos) {
        parts.push_back(text.substr(from, at - from));
        from = at + 1;
    }
    parts.push_back(text.substr(from));
    return parts;
}

std::vector<Rule> read_rules(const char *path) {
    std::ifstream file(path);
    if (!file) fail(std::string("cannot read ") + path);
    std::vector<Rule> rules;
    std::string line;
    const std::string named = "(?<secret>";
    while (std::getline(file, line)) {
        auto parts = split(line, '\t');
        if (parts.size() != 4) fail("a rule has four parts");
        Rule rule;
        rule.id = parts[0];
        rule.search = parts[1];
        // Vectorscan has no named groups.
        if (auto at = rule.search.find(named); at != std::string::npos) rule.search.replace(at, named.size(), "(?:");
        rule.exact = parts[2];
        rule.placeholder = "REDACTED-" + rule.id;
        if (!parts[3].empty()) rule.near = split(parts[3], ',');
        rules.push_back(std::move(rule));
    }
    return rules;
}

// Builds the database. Rules that it does not accept are removed and reported.
hs_database_t *build(std::vector<Rule> &rules, std::vector<std::string> &refused) {
    for (;;) {
        std::vector<const char *> patterns;
        std::vector<unsigned> flags, ids;
        for (auto &rule : rules) {
            ids.push_back(unsigned(patterns.size()));
            patterns.push_back(rule.search.c_str());
            flags.push_back(0);
        }
        hs_database_t *database = nullptr;
        hs_compile_error_t *error = nullptr;
        if (hs_compile_multi(patterns.data(), flags.data(), ids.data(), unsigned(patterns.size()), HS_MODE_BLOCK, nullptr,
                             &database, &error) == HS_SUCCESS)
            return database;
        if (error->expression < 0) fail(error->message);
        refused.push_back(rules[size_t(error->expression)].id + ": " + error->message);
        rules.erase(rules.begin() + error->expression);
        hs_free_compile_error(error);
    }
}

void compile(Rule &rule) {
    int code;
    PCRE2_SIZE at;
    rule.code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(rule.exact.c_str()), PCRE2_ZERO_TERMINATED, 0, &code, &at, nullptr);
    if (!rule.code) fail(rule.id + ": PCRE2 does not take it");
    pcre2_jit_compile(rule.code, PCRE2_JIT_COMPLETE);
    int number = pcre2_substring_number_from_name(rule.code, reinterpret_cast<PCRE2_SPTR>("secret"));
    rule.secret = number > 0 ? uint32_t(number) : 0;
}

size_t line_start(const char *block, size_t at) {
    auto newline = at ? static_cast<const char *>(memrchr(block, '\n', at)) : nullptr;
    return newline ? size_t(newline - block) + 1 : 0;
}

size_t line_end(const char *block, size_t size, size_t at) {
    auto newline = static_cast<const char *>(memchr(block + at, '\n', size - at));
    return newline ? size_t(newline - block) : size;
}

// The end of a match is after its last byte, and that byte determines the line. A line is noted
// once for each rule.
int on_match(unsigned id, unsigned long long, unsigned long long to, unsigned, void *context) {
    auto &scan = *static_cast<Scan *>(context);
    auto &rule = (*scan.rules)[id];
    size_t last = size_t(to) - 1;
    if (last < rule.tried) return 0;
    rule.tried = line_end(scan.block, scan.size, last) + 1;
    scan.hits.push_back({id, last});
    return 0;
}

bool is_near(const Rule &rule, const char *from, const char *to) {
    if (rule.near.empty()) return true;
    from = std::max(from, to - 64);
    for (auto &word : rule.near)
        for (auto at = from; at + word.size() <= to; at++)
            if (!strncasecmp(at, word.data(), word.size())) return true;
    return false;
}

void confirm(Rule &rule, unsigned id, const Scan &scan, size_t last, pcre2_match_data *groups, std::vector<Finding> &findings) {
    if (!rule.code) compile(rule);
    size_t start = line_start(scan.block, last), end = line_end(scan.block, scan.size, last), from = start;
    auto line = reinterpret_cast<PCRE2_SPTR>(scan.block + start);
    while (from < end && pcre2_jit_match(rule.code, line, end - start, from - start, 0, groups, nullptr) > 0) {
        auto spans = pcre2_get_ovector_pointer(groups);
        size_t secret = start + spans[2 * rule.secret], behind = start + spans[2 * rule.secret + 1];
        if (is_near(rule, scan.block + start, scan.block + secret)) findings.push_back({secret, behind, id});
        from = std::max(start + spans[1], from + 1);
    }
}

void write_all(const char *bytes, size_t size) {
    while (size) {
        ssize_t written = write(1, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("cannot write");
        bytes += written;
        size -= size_t(written);
    }
}

// Findings that overlap become one.
void splice(const std::vector<Rule> &rules, const Scan &scan, std::vector<Finding> &findings, std::string &clean) {
    std::sort(findings.begin(), findings.end(),
              [](auto &a, auto &b) { return a.start != b.start ? a.start < b.start : a.end < b.end; });
    clean.clear();
    size_t done = 0;
    for (auto &finding : findings) {
        if (finding.start >= done) {
            clean.append(scan.block + done, finding.start - done);
            clean.append(rules[finding.rule].placeholder);
        }
        done = std::max(done, finding.end);
    }
    clean.append(scan.block + done, scan.size - done);
}

}  // namespace

int main(int n_arguments, char **arguments) {
    if (n_arguments < 2) fail("usage: filter RULES [--list] < log > clean");
    auto rules = read_rules(arguments[1]);
    std::vector<std::string> refused;
    hs_database_t *database = build(rules, refused);
    if (n_arguments > 2 && !strcmp(arguments[2], "--list")) {
        std::printf("%zu rules taken\n", rules.size());
        for (auto &why : refused) std::printf("%s\n", why.c_str());
        return 0;
    }
    hs_scratch_t *scratch = nullptr;
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) fail("no memory to search in");
    pcre2_match_data *groups = pcre2_match_data_create(16, nullptr);
    std::vector<char> block(BLOCK);
    std::vector<Finding> findings;
    std::string clean;
    Scan scan{&rules, nullptr, 0, {}};
    for (size_t held = 0;;) {
        ssize_t got = read(0, block.data() + held, block.size() - held);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("cannot read");
        size_t filled = held + size_t(got), end = filled;
        if (got) {
            auto newline = static_cast<char *>(memrchr(block.data() + held, '\n', size_t(got)));
            end = newline ? size_t(newline - block.data()) + 1 : 0;
        }
        scan.block = block.data();
        scan.size = end;
        scan.hits.clear();
        findings.clear();
        for (auto &rule : rules) rule.tried = 0;
        if (end) hs_scan(database, scan.block, unsigned(end), 0, scratch, on_match, &scan);
        for (auto &hit : scan.hits) confirm(rules[hit.rule], hit.rule, scan, hit.end, groups, findings);
        if (findings.empty()) {
            write_all(scan.block, end);
        } else {
            splice(rules, scan, findings, clean);
            write_all(clean.data(), clean.size());
        }
        if (!got) return 0;
        memmove(block.data(), block.data() + end, filled - end);
        held = filled - end;
        if (held == block.size()) block.resize(2 * block.size());
    }
}
