# Break-glass: an emergency shows everything, for a time, on record, on a standby too, and is listed until it is reviewed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use PhigTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = phig_node('glass', 'phiguard.mode = enforce', "phiguard.journal_sync = 'write'", "phiguard.officer_role = 'regress_phig_officer'",
	"phiguard.auditor_role = 'regress_phig_auditor'");
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_phig_officer LOGIN;
CREATE ROLE regress_phig_auditor LOGIN;
CREATE ROLE regress_phig_emergency;
CREATE ROLE regress_phig_nurse LOGIN IN ROLE regress_phig_emergency;
CREATE ROLE regress_phig_clerk LOGIN;
CREATE TABLE patient (id int PRIMARY KEY, name text);
INSERT INTO patient VALUES (1, 'Ann');
SELECT phiguard.label('patient', 'name', 'name');
GRANT SELECT ON patient TO regress_phig_nurse, regress_phig_clerk;
SQL

my ($out, $err);
my $read = 'SELECT name FROM patient';

sub as_nurse
{
	my ($sql, %opt) = @_;

	($out, $err) = run_sql($opt{node} || $node, $sql, as => 'regress_phig_nurse', app => $opt{app} || 'nurse');
	return $out;
}

# --- Who may, and for how long.
as_nurse("SELECT phiguard.break_glass('unconscious')");
like($err, qr/may not break the glass/, 'nobody may unless told');
($out, $err) = run_sql($node, "SELECT phiguard.grant_break_glass('regress_phig_clerk', '1 hour')", as => 'regress_phig_clerk');
like($err, qr/must be a privacy officer/, 'the officer alone tells');
run_sql($node, "SELECT phiguard.grant_break_glass('regress_phig_emergency', '1 hour')", as => 'regress_phig_officer');
($out, $err) = run_sql($node, "SELECT phiguard.grant_break_glass('regress_phig_emergency', '25 hours')", as => 'regress_phig_officer');
like($err, qr/at most 86400 seconds/, 'for a day at most');
as_nurse("SELECT phiguard.break_glass('unconscious', '2 hours')");
like($err, qr/at most 3600 seconds/, 'for no longer than granted');
as_nurse("SELECT phiguard.break_glass('  ')");
like($err, qr/a reason is wanted/, 'not without a reason');

# --- What it does.
as_nurse($read);
like($err, qr/open only to a purpose/, 'control: without it the table is closed');
is(as_nurse("SET client_min_messages = error; PREPARE q AS $read; SELECT phiguard.break_glass('unconscious, room 4') > now(); EXECUTE q; SELECT phiguard.end_break_glass(); EXECUTE q", app => 'used'),
	"t\nAnn\nt", 'it shows everything, and ends when told');
like($err, qr/open only to a purpose/, '... also for a prepared statement');
my @reads = records($node, "application = 'used' AND kind IN ('read', 'denied')");
like($reads[0]{flags}, qr/\bbreak_glass\b/, 'the record is flagged');
is($reads[0]{justification}, 'unconscious, room 4', '... and has the reason');
unlike($reads[-1]{flags}, qr/\bbreak_glass\b/, 'what comes after is not');
is(as_nurse("SET client_min_messages = error; SELECT phiguard.break_glass('fire', '1 second') > now(); $read; SELECT pg_sleep(1.2); $read"), "t\nAnn\n", 'it ends with its time');
like($err, qr/open only to a purpose/, '... and then the table is closed');
is(as_nurse("SET client_min_messages = error; BEGIN; SELECT phiguard.break_glass('rolled back') > now(); ROLLBACK; $read"), "t\nAnn", 'a rollback does not take it back');
is((records($node, "command = 'BREAK GLASS'"))[-1]{justification}, 'rolled back', '... nor the record');
is((run_sql($node, "SET ROLE regress_phig_nurse; SET client_min_messages = error; SELECT phiguard.break_glass('x') > now(); SET ROLE regress_phig_clerk; $read"))[0], 't', 'another role sees nothing of it');

# A grant that is taken back ends it in a running session.
my $session = session($node, as => 'regress_phig_nurse');
$session->ask("SET client_min_messages = error; SELECT phiguard.break_glass('still there') > now()");
is($session->ask($read), 'Ann', 'a session that lasts');
run_sql($node, "SELECT phiguard.grant_break_glass('regress_phig_emergency', NULL)", as => 'regress_phig_officer');
is($session->ask($read), '', 'a grant that is taken back ends it');
$session->close;
run_sql($node, "SELECT phiguard.grant_break_glass('regress_phig_emergency', '1 hour')", as => 'regress_phig_officer');

# --- Review.
my $open = 'SELECT reason FROM phiguard.review_break_glass()';
is((run_sql($node, $open, as => 'regress_phig_auditor'))[0], "unconscious, room 4\nfire\nrolled back\nx\nstill there", 'all uses are listed');
($out, $err) = run_sql($node, $open, as => 'regress_phig_nurse');
unlike($out, qr/room/, 'not to everybody');
run_sql($node, "SELECT phiguard.review_break_glass(node, position, 'in order') FROM phiguard.review_break_glass() WHERE reason = 'fire'", as => 'regress_phig_auditor');
is((run_sql($node, $open, as => 'regress_phig_auditor'))[0], "unconscious, room 4\nrolled back\nx\nstill there", 'what is reviewed is listed no more');
($out, $err) = run_sql($node, "SELECT phiguard.review_break_glass('x', 1, 'fine')", as => 'regress_phig_nurse');
like($err, qr/must be a privacy officer or an auditor/, 'nobody reviews himself');

# --- On a standby.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('glass_standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(as_nurse($read, node => $standby), '', 'control: closed on the standby');
is(as_nurse("SET client_min_messages = error; SELECT phiguard.break_glass('primary is down') > now(); $read", node => $standby, app => 'standby'), "t\nAnn", 'it works on a standby');
like((records($standby, "application = 'standby' AND kind = 'read'"))[0]{flags}, qr/\bbreak_glass\b/, '... on record there');
is((run_sql($standby, $open, as => 'regress_phig_auditor'))[0] =~ /primary is down/ ? 'listed' : '', 'listed', '... and listed there');

journal_is_intact($node, 'the journal is intact');
$standby->stop;
$node->stop;
done_testing();
