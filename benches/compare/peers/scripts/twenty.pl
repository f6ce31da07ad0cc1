# The substitutions of twenty.sed, line by line. perl twenty.pl twenty.sed [line] < log > clean
# Reading large blocks was not faster. With `line` each line is passed on at once.
use strict;
use warnings;

open my $file, '<', $ARGV[0] or die "cannot read the substitutions\n";
my $body = '';
while (<$file>) {
    next unless /^s/;
    s/\@/\\@/g;    # no arrays
    s/\\1/\${1}/g;
    s/~g$/~go;/;
    $body .= $_;
}
my $scrub = eval "sub { while (<STDIN>) {\n$body print } }" or die $@;

$| = defined $ARGV[1];
binmode STDIN;
binmode STDOUT;
$scrub->();
