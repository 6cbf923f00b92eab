# Violations of labelled keys tell that a value is there: each is a record of kind probe, and they are limited.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('probe', 'phiguard.mode = audit', "phiguard.journal_sync = 'write'", 'phiguard.probe_limit = 5');
my ($out, $err);

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_clerk LOGIN;
CREATE ROLE regress_phig_other LOGIN;
CREATE TABLE patient (id int PRIMARY KEY, ssn text UNIQUE, mrn text, bed text, EXCLUDE (bed WITH =));
CREATE UNIQUE INDEX patient_mrn ON patient (lower(mrn));
CREATE TABLE visit (id serial PRIMARY KEY, ssn text REFERENCES patient (ssn));
CREATE TABLE part (id int, ssn text, PRIMARY KEY (ssn, id)) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (1) TO (1000);
CREATE TABLE ward (id int, mrn text) PARTITION BY RANGE (id);
CREATE TABLE ward_1 PARTITION OF ward FOR VALUES FROM (1) TO (1000);
CREATE UNIQUE INDEX ward_1_mrn ON ward_1 (mrn);
CREATE TABLE room (id int PRIMARY KEY);
INSERT INTO patient VALUES (1, '123-45-6789', 'M1', 'east 1');
INSERT INTO part VALUES (1, '123-45-6789');
INSERT INTO room VALUES (1);
SELECT phiguard.label(t::regclass, c, l) FROM (VALUES ('patient', 'ssn', 'ssn'), ('patient', 'mrn', 'mrn'), ('patient', 'bed', 'other'), ('part', 'ssn', 'ssn'), ('ward', 'mrn', 'mrn')) v (t, c, l);
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_phig_clerk, regress_phig_other;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO regress_phig_clerk, regress_phig_other;
SQL

sub clerk { my ($sql, %opt) = @_; ($out, $err) = run_sql($node, $sql, as => 'regress_phig_clerk', app => 'clerk', %opt); return $err; }
sub mode
{
	$node->append_conf('postgresql.conf', @_);
	$node->restart;
	return;
}
sub probes
{
	my ($where) = @_;

	return join "\n", map { "$_->{command} $_->{query}: " . ($_->{returned} . $_->{referenced} . $_->{stored}) =~ s/public\.//gr . " $_->{sqlstate} $_->{flags}" } records($node, "kind = 'probe' AND $where");
}

# --- On record, in mode audit as well; no value in it.
like(clerk("INSERT INTO patient VALUES (2, '123-45-6789')"), qr/duplicate key/, 'a unique key');
clerk("INSERT INTO patient VALUES (2, NULL, 'm1')");
clerk("INSERT INTO patient VALUES (2, NULL, NULL, 'east 1')");
clerk("INSERT INTO visit (ssn) VALUES ('999-99-9999')");
clerk("INSERT INTO part VALUES (1, '123-45-6789')");
clerk("UPDATE part SET id = 1 WHERE false; INSERT INTO room VALUES (1)");
clerk("COPY patient (id, ssn) FROM stdin;\n3\t123-45-6789\n\\.\n");
is(probes("application = 'clerk'"), join("\n",
		'UNIQUE patient_ssn_key: patient.ssn 23505 ', 'UNIQUE patient_mrn: patient.bed patient.mrn patient.ssn 23505 ',
		'EXCLUDE patient_bed_excl: patient.bed 23P01 ', 'FOREIGN KEY visit_ssn_fkey: patient.ssn 23503 function', 'UNIQUE part_1_pkey: part_1.ssn 23505 ', 'UNIQUE patient_ssn_key: patient.ssn 23505 '),
	'each is a record, with constraint and columns; what has no label is none');
my $tries = q{DO $$ BEGIN FOR i IN 1 .. %d LOOP BEGIN INSERT INTO patient VALUES (i + 1, CASE i %% 2 WHEN 1 THEN '123-45-6789' ELSE '000-00-' || i END); RAISE NOTICE 'not there';
	EXCEPTION WHEN unique_violation THEN RAISE NOTICE 'there'; END; END LOOP; RAISE EXCEPTION 'roll back'; END $$};
clerk(sprintf($tries, 20), app => 'loop');
is(scalar(() = probes("application = 'loop'") =~ /patient_ssn_key/g), 10, 'one that is caught is a record too, and only one');
is(scalar(() = $err =~ /NOTICE:  there/g), 10, 'in mode audit there is no limit');

# --- Limited, in mode enforce.
mode('phiguard.mode = enforce');
clerk(sprintf($tries, 20), app => 'limited');
is(scalar(() = $err =~ /NOTICE:  there/g), 5, 'as many as the limit allows');
like($err, qr/too many violations of keys: role "regress_phig_clerk" may not write to table "patient"/, '... then no statement runs');
is(scalar(() = probes("application = 'limited' AND sqlstate = '23505'") =~ /patient_ssn_key/g), 5, '... as many records');
is((map { $_->{command} } records($node, "application = 'limited' AND kind = 'denied'"))[-1], 'PROBE LIMIT', '... and one of the refusal');
for my $sql ("INSERT INTO patient VALUES (7, '000-00-0000')", "INSERT INTO visit (ssn) VALUES ('123-45-6789')", "INSERT INTO part VALUES (5, '1')", "INSERT INTO ward VALUES (1, 'M1')", "COPY ward FROM stdin;\n1\tM1\n\\.\n",
	"WITH q AS (INSERT INTO patient VALUES (7, '000-00-0000') RETURNING 1) SELECT count(*) FROM q", "COPY patient (id, ssn) FROM stdin;\n9\t000-00-0000\n\\.\n",
	"PREPARE p AS INSERT INTO patient VALUES (7, '000-00-0000'); EXECUTE p", "INSERT INTO patient VALUES (1) ON CONFLICT DO NOTHING")
{
	like(clerk($sql), qr/too many violations of keys/, 'refused: ' . $sql =~ s/\n/ /gr);
}
is(clerk('INSERT INTO room VALUES (2)'), '', 'tables without such a key are written to');
($out, $err) = run_sql($node, "INSERT INTO patient VALUES (7, '000-00-0000')", as => 'regress_phig_other');
is($err, '', 'other roles go on');
($out, $err) = run_sql($node, 'INSERT INTO patient VALUES (1);' x 10 . "INSERT INTO patient VALUES (8, '000-00-0001')");
unlike($err, qr/too many/, 'a role that is exempt has no limit');
is($node->safe_psql('postgres', 'SELECT count(*) FROM patient WHERE id IN (7, 8)'), '2', '... and what went on is there');
$node->append_conf('postgresql.conf', 'phiguard.probe_limit = -1');
$node->reload;
wait_until(sub { clerk("INSERT INTO patient VALUES (1, '123-45-6789')") =~ /duplicate key/ }, 'control: without a limit the key tells again');
unlike(join('', map { "$_->{query}$_->{stored}" } records($node, "kind = 'probe'")), qr/123-45|000-00|east 1|M1/, 'no value in any record');
unlike(join('', grep { /(ERROR|DETAIL):  / } split /^/, slurp_file($node->logfile)), qr/123-45-6789/, '... nor in an error that is logged');
journal_is_intact($node, 'the journal is intact');
$node->stop;
done_testing();
