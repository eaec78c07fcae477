#!/usr/bin/perl
# Counts words without Ardea, to check Ardea with. A word is a maximal run of letters (Unicode L), decimal digits
# (Unicode Nd) and apostrophes (U+0027), lower-cased; the output is sorted by bytes, which for UTF-8 is code points.
#
#   perl count.pl < opticks.txt > opticks.counts
use strict;
use warnings;

binmode STDIN,  ':encoding(UTF-8)';
binmode STDOUT, ':encoding(UTF-8)';

my %count;
while (my $line = <STDIN>) {
    $count{lc $1}++ while $line =~ /([\p{L}\p{Nd}']+)/g;
}
print "$_\t$count{$_}\n" for sort keys %count;
