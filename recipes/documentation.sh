#!/bin/sh
# Unpacks the documentation of programming languages and libraries from Debian packages into JSON lines that 'isoflop corpus'
# reads, a page a line: text without markup, and without any line of 40 characters or more that stood in an
# earlier page, since generated pages say much of the same thing. Nothing is installed; root is not needed.
#
#   sh recipes/documentation.sh texts && isoflop corpus documentation texts --vocab 512 --lossy --licence 'each package: its own'
#
# Needs apt-get (with 'apt-get update' done once), dpkg-deb and perl. Packages that the mirror lacks are named and left out.
set -eu
out=${1:?"usage: sh recipes/documentation.sh FOLDER [PACKAGE…]"}
shift
[ $# -gt 0 ] || set -- linux-doc-6.1 python3.11-doc postgresql-doc-15 rust-doc ghc-doc erlang-doc openjdk-17-doc sagemath-doc racket-doc \
    scala-doc groovy-doc pike8.0-doc python-pandas-doc python-scipy-doc python-sklearn-doc python-sympy-doc python-statsmodels-doc \
    python-matplotlib-doc python-django-doc python-sqlalchemy-doc qtbase5-doc-html qtdeclarative5-doc-html libboost1.74-doc libstdc++-12-doc \
    llvm-14-doc cmake-doc libgtk-3-doc libgtk-4-doc libglib2.0-doc wx3.2-doc sqlite3-doc apache2-doc bind9-doc octave-doc maxima-doc gap-doc \
    petsc3.18-doc gnuradio-doc libpcl-doc libgeos-doc ant-doc tomcat10-docs gimp-help-en libreoffice-help-en-us debian-reference-en \
    debian-policy developers-reference libdeal.ii-doc vtk9-doc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir -p "$out"

cat > "$work/text.pl" << 'PERL'
use strict;
use Digest::MD5 'md5';
my %entity = (lt => '<', gt => '>', amp => '&', quot => '"', apos => "'", nbsp => ' ', para => ' ', copy => '(c)', mdash => '-',
    ndash => '-', lsquo => "'", rsquo => "'", ldquo => '"', rdquo => '"', hellip => '...');
my %seen;

sub decoded {                                   # entities as characters; what has no ASCII form is left out
    my ($name) = @_;
    return $entity{$name} // '' unless $name =~ /^#(x?)([0-9a-fA-F]+)$/;
    my $code = $1 ? hex $2 : $2;
    return $code == 0x2019 || $code == 0x2018 ? "'" : $code == 0x201C || $code == 0x201D ? '"' : $code < 128 ? chr $code : '';
}

sub page {                                      # a page's text from its markup
    my ($html) = @_;
    $html =~ s/<!--.*?-->//gs;
    $html =~ s/<(script|style|head|nav|svg|form|select|button)\b.*?<\/\1\s*>//gis;
    my @parts = split /(<pre\b.*?<\/pre\s*>)/is, $html;
    for (@parts) {
        my $pre = /^<pre\b/i;
        s/\s+/ /g unless $pre;
        s/<\/?(p|div|li|ul|ol|dl|dt|dd|h[1-6]|table|tr|br|hr|section|article|header|footer|blockquote|pre|summary|details)\b[^>]*>/\n/gi;
        s/<\/t[dh]\s*>/ /gi;
        s/<[^>]*>//g;
        s/&(#?\w+);/decoded($1)/ge;
    }
    return join '', @parts;
}

while (my $name = <STDIN>) {
    chomp $name;
    my $file;
    ($name =~ /\.gz$/ ? open $file, '-|', 'gzip', '-cdf', $name : open $file, '<', $name) or next;
    local $/;
    my $text = <$file> // '';
    close $file;
    next if length $text > 20e6;                # an index of everything
    $text = page($text) if $name =~ /html?(\.gz)?$/;
    $text =~ tr/\t/ /;
    $text =~ s/[^\n\x20-\x7e]//g;
    my @kept;
    for (split /\n/, $text) {
        s/\s+$//;
        next if length >= 40 && $seen{substr md5($_), 0, 8}++;
        push @kept, $_ if length || (@kept && length $kept[-1]);
    }
    $text = join "\n", @kept;
    # A page of which little is left, or whose lines are mostly names, is a list of links.
    my $long = 0;
    $long += length for grep { length >= 40 } @kept;
    next if $long < 200 || $long < .5 * length $text;
    $text =~ s/([\\"])/\\$1/g;
    $text =~ s/\n/\\n/g;
    print "{\"text\":\"$text\\n\"}\n";
}
PERL

: > "$work/list"                               # one process for all packages: it remembers every line
for package; do
    (cd "$work" && apt-get download -qq "$package" 2> /dev/null) || true
    deb=$(ls "$work/$package"_*.deb 2> /dev/null | head -n 1)
    [ -n "$deb" ] || { echo "$package: could not be fetched, left out" >&2; continue; }
    dpkg-deb -x "$deb" "$work/$package"
    rm "$deb"
    find "$work/$package" -type f \( -name '*.html' -o -name '*.htm' -o -name '*.html.gz' -o -name '*.rst' -o -name '*.rst.gz' \
        -o -name '*.txt' -o -name '*.txt.gz' \) | grep -v -e /translations/ -e /_sources/ | LC_ALL=C sort >> "$work/list"
done
LC_ALL=C perl "$work/text.pl" < "$work/list" > "$out/documentation.jsonl.part"
mv "$out/documentation.jsonl.part" "$out/documentation.jsonl"
ls -l "$out"
