#!/usr/bin/perl
#
# forms.pl: texts with addresses, names, telephones and dates in the forms that their senders write them in, as JSON lines.
#
# Addresses follow USPS Publication 28 and the countries' forms of UPU S42, names and numbers are made up.  Values stand in sentences,
# letterheads, labelled fields and records; each value in several, and some of the texts in lower or upper case.  The same texts at each call.
# A country behind an address, and a state in it, are marked as such: they may stay.

use strict;
use warnings;
use utf8;
use JSON::PP;

my $state = 28;

# A number below n, the same at each run.
sub below
{
	my ($n) = @_;

	$state = ($state * 1103515245 + 12345) % 2**31;
	return int($state / 65536) % $n;
}

sub pick { return $_[ below(scalar @_) ]; }

my @given = qw(Ada Noor Priya Tomasz Henrik Lupe Beatriz Kofi Ingrid Ravi Odile Marek Yuki Dolores Ewan Fatima Grace Mark Rose Will);
my @family = qw(Abernathy Lindqvist Okonkwo Castellanos Whitcombe Novotny Yamashita Fitzwilliam Dvorak Haddad Oyelaran Brandvold Teague Marchetti Rasmussen Underhill
	Zielinski Park Young Stone);
my @street = ('Wisteria', 'Old Mill', 'Martin Luther King Jr', 'Saint Charles', 'Birchwood', 'Kestrel', 'Quarry Hill', '14th', 'Marigold', 'Abbott');
my @kind = qw(St Street Ave Avenue Rd Road Blvd Lane Ln Court Ct Dr Drive Way Ter Place Circle Parkway Trl Bend Gateway Crossing Loop);
my @town = (['Galena', 'IL', '61036'], ['Truckee', 'CA', '96161'], ['Marfa', 'TX', '79843'], ['Eau Claire', 'WI', '54701'], ['Winnetka', 'IL', '60093'], ['Ely', 'MN', '55731'],
	['Port Townsend', 'WA', '98368'], ['Saugerties', 'NY', '12477'], ['Lake Placid', 'NY', '12946-0031'], ['Hot Springs', 'AR', '71901']);

# Addresses of the United States, in one line or several ("|" is a line's end, or a comma).
sub us_street
{
	my $n = 1 + below(9800);

	return pick(
		"$n " . pick(@street) . ' ' . pick(@kind), "$n " . pick(@street) . ' ' . pick(@kind), "$n N " . pick(@street) . ' ' . pick(@kind) . ' SW', "$n 1/2 " . pick(@street) . ' ' . pick(@kind),
		"$n County Road " . below(90), "$n US Highway " . (1 + below(90)) . ' N', "$n State Route " . (1 + below(400)), "$n E " . (1 + below(30)) . '00 S', 'N6W' . $n . ' ' . pick(@street) . ' ' . pick(@kind),
		"$n FM " . (100 + below(900)), "$n-B " . pick(@street) . ' ' . pick(@kind), "$n Avenue of the Pines", "$n Camino del Rio", "$n Broadway");
}

sub us_unit
{
	return pick('Apt ' . (1 + below(40)), 'Apt. ' . (1 + below(40)) . 'B', 'Unit ' . (1 + below(9)), 'Suite ' . (100 + below(800)), 'Ste. ' . (100 + below(800)) . '-A', '# ' . (1 + below(99)), '#' . (1 + below(99)) . 'C', 'Fl 3',
		'Lot ' . (1 + below(99)), 'Bldg C', 'Bldg 4 Apt ' . (1 + below(40)), 'Rm ' . (100 + below(90)), 'Trlr ' . (1 + below(30)), 'Spc ' . (1 + below(30)), 'Floor 12', 'PH 2', 'Bsmt', '2nd Floor', 'Upper Unit');
}

sub us
{
	my ($town, $us, $zip) = @{ pick(@town) };
	my $last = pick("$town, [$us] $zip", "$town, [$us] $zip", "$town [$us] $zip", "$town, [$us]");
	my $n = 1 + below(900);

	return pick(
		us_street() . "|$last", us_street() . "|$last", us_street() . ', ' . us_unit() . "|$last", us_street() . ' ' . us_unit() . "|$last", us_street() . '|' . us_unit() . "|$last", "P.O. Box $n|$last", "PO BOX $n|$last",
		"Post Office Box $n|$last", "RR 2 Box ${n}A|$last", "HC 68 Box $n|$last", "Rural Route 3, Box $n|$last", us_street() . "|PO Box $n|$last", "PMB $n|" . us_street() . "|$last",
		"PSC $n Box 74|APO AE 09499-0074", "Unit 2050 Box $n|APO AP 96278-2050", "URB Las Gladiolas|$n Calle A|San Juan [PR] 00926-3232");
}

# Addresses of other countries, and the country.
my @abroad = (
	sub { ("Flat " . (1 + below(30)) . ", Windmill Court, 17 Mill Lane|Harrow|HA3 7QR", 'United Kingdom') }, sub { ("The Old Rectory, Church Lane|Upper Slaughter|Cheltenham GL54 2JT", 'England') },
	sub { ((1 + below(200)) . "a Fernleigh Crescent|Ballyvaughan|Co. Clare|H91 T2X5", 'Ireland') }, sub { ("10-" . (1 + below(900)) . ' Sherbrooke Street NW|Montreal QC  H3Z 2Y7', 'Canada') },
	sub { ('Unit 3, ' . (1 + below(90)) . ' Wattle Grove|Richmond VIC 3121', 'Australia') }, sub { ((1 + below(90)) . ' Karangahape Road|Papatoetoe|Auckland 2025', 'New Zealand') },
	sub { ('Lindenallee ' . (1 + below(90)) . '|04109 Leipzig', 'Germany') }, sub { ('Am Alten Markt ' . (1 + below(9)) . '|50667 Köln', 'Germany') }, sub { ('Hauptstr. ' . (1 + below(90)) . '/2/14|8010 Graz', 'Austria') },
	sub { ('Obere Bergstrasse ' . (1 + below(90)) . '|CH-6300 Zug', 'Switzerland') }, sub { ((1 + below(90)) . ' bis, rue des Lilas|69003 Lyon', 'France') }, sub { ((1 + below(90)) . ' Chemin du Moulin|BP 40122|31770 Colomiers Cedex', 'France') },
	sub { ('C/ Mayor, ' . (1 + below(90)) . ', 2º B|28013 Madrid', 'Spain') }, sub { ('Calle de la Rosa ' . (1 + below(90)) . '|41003 Sevilla', 'Spain') }, sub { ('Via Garibaldi ' . (1 + below(90)) . '|40121 Bologna BO', 'Italy') },
	sub { ('Rua das Flores ' . (1 + below(90)) . ', 3º Esq.|1200-195 Lisboa', 'Portugal') }, sub { ('Keizersgracht ' . (1 + below(900)) . '|1015 CJ Amsterdam', 'Netherlands') },
	sub { ('Rue Neuve ' . (1 + below(90)) . ' bte 3|1000 Bruxelles', 'Belgium') }, sub { ('Storgatan ' . (1 + below(90)) . ' lgh 1102|112 36 Stockholm', 'Sweden') }, sub { ('Vestergade ' . (1 + below(90)) . ', 2. tv|5000 Odense C', 'Denmark') },
	sub { ('Kirkegata ' . (1 + below(90)) . '|7010 Trondheim', 'Norway') }, sub { ('Kauppakatu ' . (1 + below(90)) . ' A 12|40100 Jyväskylä', 'Finland') }, sub { ('ul. Długa ' . (1 + below(90)) . '/7 m. 12|00-238 Warszawa', 'Poland') },
	sub { ('Dlouhá ' . (1 + below(90)) . '|110 00 Praha 1', 'Czech Republic') }, sub { ('Kossuth Lajos u. ' . (1 + below(90)) . '.|1053 Budapest', 'Hungary') }, sub { ('Pikk tänav ' . (1 + below(90)) . '-4|10133 Tallinn', 'Estonia') },
	sub { ('Rua das Acácias, ' . (1 + below(900)) . ', apto 32|01310-200 São Paulo - SP', 'Brazil') }, sub { ('Av. Juárez ' . (1 + below(90)) . ', Col. Centro|06010 Ciudad de México', 'Mexico') },
	sub { ('H.No. 4-5-' . (1 + below(90)) . ', Gandhi Nagar|Hyderabad 500020', 'India') }, sub { ((1 + below(90)) . '-2-3 Nishi-Shinjuku|Shinjuku-ku|Tokyo 160-0023', 'Japan') },
	sub { ('Blk ' . (1 + below(900)) . ' Bedok North Ave 2 #08-45|Singapore 460123', '') }, sub { ('Ilica ' . (1 + below(90)) . '|10000 Zagreb', 'Croatia') }, sub { ('Str. Mihai Eminescu nr. ' . (1 + below(90)) . ', ap. 7|010511 București', 'Romania') },
	sub { ('Ermou ' . (1 + below(90)) . '|105 63 Athina', 'Greece') }, sub { ('Bağdat Caddesi No: ' . (1 + below(90)) . ' D: 4|34710 Kadıköy/İstanbul', 'Turkey') });

# Text of an address, marked, with what stands behind it; lines: the lines stay lines.
sub address
{
	my ($lines) = @_;
	my ($parts, $country) = below(2) ? (us(), '') : $abroad[ below(scalar @abroad) ]->();

	$country = pick('', 'USA', 'United States') if $country eq '' && below(3) == 0;
	$parts =~ s/\|/$lines ? "\n" : ', '/ge;
	return "{geo:$parts}" . ($country eq '' ? '' : ($lines ? "\n" : ', ') . "{country:$country}");
}

sub name
{
	my ($g, $h, $f, $l) = (pick(@given), pick(@given), pick(@family), pick(@family));

	return pick(
		"{name:$g $f}", "{name:$g $h $f}", "{name:$g " . substr($h, 0, 1) . ". $f}", "Mr. {name:$g $f}{suffix}", "Dr. {name:" . substr($g, 0, 1) . ". " . substr($h, 0, 1) . ". $f}", "Ms. {name:$g $f-$l}", "Mrs. {name:$g O'$f}",
		"{name:$g de la $f}", "Dr. {name:$g van der $f}", "{name:$g von $f}, MD", "Mr. {name:$g St. $f}", "{name:$g Mc$f Jr.}", "Prof. {name:$g-$h $f}", "{name:$g $f III}", "{name:" . uc("$f, $g") . ' ' . substr($h, 0, 1) . "}",
		"{name:$f, $g $h}", "{name:$g D’$f}", "{name:$g del Carmen $f y $l}", "{name:$g \"$h\" $f}", "{name:$g ($h) $f}", "Dr. {name:$g $f}, MD, PhD", "Ms. {name:$g Al-$f}", "{name:$g Le $f}", "Rev. {name:$g $h $f, Sr.}");
}

sub phone
{
	my $n = sprintf '555-%04d', 100 + below(99);

	return pick("{phone:(617) $n}", "{phone:617-$n}", "{phone:617-$n ext. 12}", "{phone:617-$n x4021}", "{phone:(617) $n, ext 7}", "{phone:(617) $n extension 310}", "{phone:+1 617 " . ($n =~ tr/-/ /r) . '}', "{phone:1-617-$n}", "{phone:617." . ($n =~ tr/-/./r) . ' Ext. 22}',
		"{phone:+44 20 7946 09" . (10 + below(80)) . '}', "{phone:+49 (0)30 2318 1" . (10 + below(80)) . '}', "{phone:+33 1 99 00 12 " . (10 + below(80)) . '}', "{phone:617/$n}", "{phone:+1 (617) $n #45}");
}

sub date
{
	my ($m, $d, $y) = (1 + below(12), 1 + below(28), 1990 + below(33));
	my $name = (qw(January February March April May June July August September October November December))[ $m - 1 ];
	my $mon = substr($name, 0, 3);
	my $two = sprintf '%02d', $y % 100;

	return pick("{date:$m/$d/$y}", "{date:$m/$d/$two}", "{date:$m/$d/$y 14:30}", "{date:$m/$d/$y at 2:30 PM}", "{date:$name $d, $y}", "{date:$name ${d}th, $y, 2:30 p.m.}", "{date:$d $mon $y 0745}", sprintf("{date:%d-%02d-%02dT14:30:00Z}", $y, $m, $d),
		sprintf("{date:%d-%02d-%02d 14:30:05.123}", $y, $m, $d), sprintf("{date:%d-%02d-%02d 14:30:05+02:00}", $y, $m, $d), "{date:$d.$m.$y}", "{date:$d-$mon-$y 07:45}", "{date:Tuesday, $name $d, $y at 9:15 am}", "{date:$mon $d '$two}", "{date:$m-$d-$two \@ 1430}",
		"{date:the ${d}th of $name $y}", "{date:$mon. $d, $y, 11:05 AM EST}");
}

# What the values stand in: a, l, n, p, d are an address in a line, in lines, a name, a telephone, a date.
my @texts = (
	'Pt lives alone at <a>. Ambulates with a cane.', 'She was discharged to her home, <a>, in stable condition.', "Home address: <a>\nPhone: <p>\nDOB: <d>", 'Home health to visit at <a> starting <d>.', "Mail results to <a>.", 'Daughter <n> (cell <p>) lives at <a>.',
	"REGISTRATION\nName: <n>\nAddress: <l>\nTelephone: <p>\n\nReason for visit: cough for three weeks.", "<n>\n<l>\n\n<d>\n\nDear <n>,\n\nYour test results are normal. Please call <p> with questions.", "cc: <n>\n<l>", "Ship the CPAP to <a>; call <p> on arrival.",
	'EMS was called to <a> where the patient was found down in the kitchen.', 'He moved from <a> to <a> in 2019.', '{"name": "<n>", "address": "<a>", "phone": "<p>"}', 'Records requested from the practice at <a>, fax to follow.', 'Patient <n>, c/o <n>, <a>, was seen on <d>.',
	'The fire at <a> on <d> left three with burns.', "Deliver meds to: <a>. Next dose <d>.", 'Signed by <n> on <d>.', 'Discussed with <n> by telephone (<p>).', '<n> was admitted on <d> with dyspnea; her brother <n> was at the bedside.', 'Attending: <n>. Resident: <n>. Dictated <d>.',
	"Emergency contact: <n>, <p>\nSecond contact: <n>, <p>", 'Referred by <n> of <a>.', "From: <n>\nTo: <n>\nRe: visit of <d>\n\nSeen today for follow-up.", 'Reached at <p> after two attempts; appointment moved to <d>.', "Next of kin: <n>\n<l>\nTel. <p>",
	'Next appointment <d> with <n>.', 'The specimen was collected <d> and received <d>.', 'Last seen by <n> on <d>, who can be reached at <p>.', "Employer: self\nResidence: <a>\nDiet: low sodium, 2 g", 'Social: retired teacher, lives at <a> with spouse <n>, two cats.',
	'Per <n>, the house at <a> has lead paint.', 'Witness: <n>, <a>.', "Facility transfer form\nPatient: <n>\nFrom: <l>\nTo: <l>\nTransport: ambulance, 2 L O2", 'Patient states "I was born <d> in the house at <a>" and is oriented x3.', 'Bill to <n>, <a>. Balance due.',
	"Guarantor <n>\n  <l>\nPlan: PPO", 'The van picks him up at <a> at 9 for dialysis.', 'Call <n> (<p>) or <n> (<p>) with critical values.', 'Seen <d>. Seen again <d>. To return <d>.');

# Markup out, spans in.
sub parse
{
	my ($marked) = @_;
	my ($text, @spans) = ('');

	while ($marked =~ /\G(?:\{(geo|country|name|phone|date):(.*?)\}|(.))/gs)
	{
		my ($label, $value, $rest) = ($1, $2, $3);

		if (defined $label)
		{
			# a state inside an address
			my $plain = $value =~ tr/[]//dr;
			push @spans, { start => length $text, end => length($text) + length $plain, label => $label };
			push @spans, { start => length($text) + $-[1] - 1, end => length($text) + $+[1] - 1, label => 'state' } if $value =~ /\[(\w+)\]/;
			$value = $plain;
		}
		$text .= defined $label ? $value : $rest;
	}
	return ($text, \@spans);
}

binmode STDOUT, ':raw';
for my $i (1 .. 12 * @texts)
{
	my $marked = $texts[ $i % @texts ];
	my $case = below(10);

	$marked =~ s/<([alnpd])>/{ a => sub { address(0) }, l => sub { address(1) }, n => \&name, p => \&phone, d => \&date }->{$1}->()/ge;
	$marked =~ s/\{suffix\}/pick('', ', Jr.', ' Sr.')/ge;
	my ($text, $spans) = parse($marked);
	$text = lc $text if $case == 0 && length(lc $text) == length $text;
	$text = uc $text if $case == 1 && length(uc $text) == length $text;
	print JSON::PP->new->canonical->utf8->encode({ id => "form-$i", text => $text, spans => $spans }), "\n";
}
