#!/bin/bash
#
# upgrade.sh: pg_upgrade of a governed cluster to the next supported version, in mode enforce.
#
# The new version's server is in $PHIG_WORK/other (lib/other.sh).  What a cluster says of itself
# before (state) has to be what it says afterwards, line by line; extracts are closed by an upgrade and
# are opened by an attestation.  The last part is the control: with one label less the comparison fails.

set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"
. "$(dirname "$0")/../lib/server.sh"

old_bin=$(dirname "$(command -v postgres)")
new_bin=$(echo "$PHIG_WORK"/other/usr/lib/postgresql/*/bin)
journal=$PHIG_WORK/journal
conf=("phiguard.mode = enforce" "phiguard.journal_directory = '$journal'" "phiguard.key_file = '$PHIG_WORK/master.key'"
	"phiguard.journal_on_failure = refuse")

# value SQL [ROLE]: what one statement says, or its error's first line.
value()
{
	psql -XqAt -v VERBOSITY=terse -U "${2:-postgres}" -c "$1" 2>&1 || true
}

# is GOT WANTED WHAT
is()
{
	[ "$1" = "$2" ] || die "$3: got \"$1\", not \"$2\""
	say "ok: $3"
}

# As the data scientist, under the purpose.
studied()
{
	value "SET phiguard.purpose = 'readmission'; $1" data_science
}

# All that has to be as it was: labels, every table of the extension that dumps carry, privileges, what roles see and
# what they are refused.
state()
{
	echo "-- labels"
	value "SELECT objtype, objname, label FROM pg_seclabels WHERE provider = 'phiguard' ORDER BY 1, 2, 3"
	value "SELECT * FROM phiguard.data_dictionary WHERE schema = 'public' ORDER BY 1, 2, 3"
	echo "-- tables"
	psql -XqAt <<-'SQL'
		SELECT format('SELECT %L, t::text FROM %s t ORDER BY 2', c::regclass, c::regclass)
		  FROM pg_extension, unnest(extconfig) c
		 WHERE extname = 'phiguard' AND EXISTS (SELECT FROM pg_class r WHERE r.oid = c AND relkind = 'r') ORDER BY c::regclass::text \gexec
		SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2
	SQL
	echo "-- privileges"
	psql -XqAt <<-'SQL'
		SELECT what, a.grantee::regrole, a.privilege_type, a.is_grantable
		  FROM (SELECT oid::regclass::text, coalesce(relacl, acldefault('r', relowner)) FROM pg_class
		         WHERE relnamespace IN ('public'::regnamespace, 'phiguard'::regnamespace) AND relkind IN ('r', 'v')
		        UNION ALL SELECT oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc
		         WHERE pronamespace = 'phiguard'::regnamespace) o (what, acl), aclexplode(acl) a
		 WHERE a.privilege_type <> 'MAINTAIN' -- new in 17
		 ORDER BY 1, 2, 3
	SQL
	echo "-- findings"
	value "SELECT * FROM phiguard.verify_labels()"
	value "SELECT * FROM phiguard.verify_policy()"
	echo "-- seen"
	value "SELECT relation, column_name, category, shown, because FROM phiguard.access_of('data_science', 'readmission') ORDER BY 1, 2"
	studied "SELECT id, mrn, born, zip FROM patient ORDER BY id"
	studied "SELECT patient_id, admitted, discharged, diagnosis FROM visit ORDER BY 1, 2"
	studied "SELECT count(*) FROM visit JOIN patient ON id = patient_id"
	# Refused: what the purpose does not show, all PHI without it, all of it to who has none, another's key.
	for column in name ssn; do studied "SELECT $column FROM patient"; done
	for column in hiv_status note; do studied "SELECT $column FROM visit"; done
	value "SELECT mrn FROM patient" data_science
	value "SELECT mrn FROM patient" stranger
	studied "SELECT phiguard.token('M-1001', 'other')"
	value "SELECT phiguard.token('M-1001', 'readmission'), phiguard.token('M-1001', 'other')"
	value "SELECT phiguard.unseal(sealed, 'kept', 'readmission'), phiguard.surrogate('M-1001', 'readmission') FROM kept"
}

server_init old "${conf[@]}"
server_start old
psql -Xq -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE EXTENSION phiguard;
SET phiguard.on_new_column = 'ignore';
CREATE TABLE patient (id bigint PRIMARY KEY, mrn text, name text, ssn text, born date, zip text, consented boolean);
CREATE TABLE visit (patient_id bigint, admitted date, discharged date, diagnosis text, hiv_status text, note text);
CREATE TABLE contact (patient_id bigint, phone phiguard.phone, zip phiguard.zip_code);
INSERT INTO patient VALUES (1, 'M-1001', 'Ann Ash', '219-09-9999', '1931-05-06', '02138', true),
	(2, 'M-1002', 'Bob Birch', '078-05-1120', '1984-07-08', '02139', false);
INSERT INTO visit VALUES (1, '2026-01-10', '2026-01-14', 'I50.9', 'neg', 'seen by Dr. Oak'), (1, '2026-02-01', '2026-02-03', 'I50.9', NULL, NULL),
	(2, '2026-03-05', '2026-03-06', 'J18.9', NULL, NULL);
SELECT phiguard.label('patient', c, l) FROM (VALUES ('id', 'mrn'), ('mrn', 'mrn'), ('name', 'name'), ('ssn', 'ssn'),
	('born', 'date kind=birth'), ('zip', 'geo kind=zip'), ('consented', 'none')) v (c, l);
SELECT phiguard.label('visit', c, l) FROM (VALUES ('patient_id', 'mrn'), ('admitted', 'date kind=event'), ('discharged', 'date kind=event'),
	('diagnosis', 'clinical kind=diagnosis'), ('hiv_status', 'clinical kind=lab sens=HIV'), ('note', 'note')) v (c, l);
SELECT phiguard.label('patient', NULL, 'subject=id'), phiguard.label('visit', NULL, 'subject=patient_id');
CREATE ROLE data_science LOGIN;
CREATE ROLE stranger LOGIN;
GRANT SELECT ON patient, visit TO data_science, stranger;
SELECT phiguard.create_key('readmission'), phiguard.create_key('other');
SELECT phiguard.grant_key('other', 'data_science');
GRANT EXECUTE ON FUNCTION phiguard.token(text, text) TO data_science;
SELECT phiguard.create_purpose('readmission', code => 'HRESCH', otherwise => 'deny', basis => 'IRB 2026-114');
SELECT phiguard.allow('readmission', category => 'mrn', transform => 'token');
SELECT phiguard.allow('readmission', category => 'date', kind => 'birth', transform => 'birth_year(2026-07-01)');
SELECT phiguard.allow('readmission', category => 'date', kind => 'event', transform => 'shift_date');
SELECT phiguard.allow('readmission', category => 'geo', kind => 'zip', transform => 'zip3');
SELECT phiguard.allow('readmission', category => 'clinical');
SELECT phiguard.allow('readmission', sens => 'HIV', transform => 'deny');
SELECT phiguard.allow_rows('readmission', 'patient', 'consented');
SELECT phiguard.allow_rows('readmission', 'visit', 'EXISTS (SELECT FROM patient p WHERE p.id = visit.patient_id AND p.consented)');
SELECT phiguard.grant_purpose('readmission', 'data_science', expires => '2099-01-01');
SELECT phiguard.assign_surrogates('patient', 'mrn', 'readmission');
CREATE TABLE kept AS SELECT phiguard.seal('a secret', 'kept', 'readmission') AS sealed;
SELECT phiguard.create_extract('ages', $$SELECT phiguard.birth_year(born, current_date) AS born, phiguard.zip3(zip) AS zip3 FROM patient$$,
	purpose => 'readmission');
SELECT phiguard.attest_extract('ages', 'No actual knowledge. J. Doe', valid => '1 year');
GRANT SELECT ON ages TO data_science;
SQL
ages=$(value "SELECT * FROM ages ORDER BY born" data_science)
state >"$PHIG_OUT/before"
is "$(value "SELECT name FROM patient WHERE id = 1")" "Ann Ash" "whom no purpose restricts sees what the masked role does not"
is "$(value "SELECT count(*) FROM phiguard.verify_journal()")" 0 "the old journal verifies"
old_node=$(awk '$1 == "node" { print $2 }' "$journal/node")
old_records=$(value "SELECT count(*) FROM phiguard.access_log WHERE login_role = 'data_science'")
[ "$old_records" -gt 0 ] || die "no read is on record"
server_stop old

mkdir -p "$PHIG_WORK/new/socket"
"$new_bin/initdb" -D "$PHIG_WORK/new/data" -U postgres -A trust -N -E UTF8 --locale=C --no-data-checksums >"$PHIG_WORK/new/initdb.log" 2>&1 ||
	"$new_bin/initdb" -D "$PHIG_WORK/new/data" -U postgres -A trust -N -E UTF8 --locale=C >"$PHIG_WORK/new/initdb.log"
grep -v "^unix_socket_directories" "$PHIG_WORK/old/data/postgresql.conf" | sed -n '/^listen_addresses/,$p' >>"$PHIG_WORK/new/data/postgresql.conf"
echo "unix_socket_directories = '$PHIG_WORK/new/socket'" >>"$PHIG_WORK/new/data/postgresql.conf"
upgrade()
{
	(cd "$PHIG_WORK/new" && "$new_bin/pg_upgrade" --no-sync -U postgres -b "$old_bin" -B "$new_bin" -d "$PHIG_WORK/old/data" \
		-D "$PHIG_WORK/new/data" -s "$PHIG_WORK/new/socket" "$@") >"$PHIG_OUT/pg_upgrade" 2>&1 ||
		{ cat "$PHIG_OUT/pg_upgrade" "$PHIG_WORK"/new/data/pg_upgrade_output.d/*/log/*; die "pg_upgrade $*"; }
	say "ok: pg_upgrade $*"
}
unset PGHOST PGPORT PGUSER PGDATABASE PGDATA PGCLIENTENCODING
upgrade --check
upgrade

PATH=$new_bin:$PATH
server_start new
say "now on $(value "SHOW server_version")"
state >"$PHIG_OUT/after"
diff "$PHIG_OUT/before" "$PHIG_OUT/after" || die "the upgraded cluster is not what it was"
say "ok: $(wc -l <"$PHIG_OUT/before") lines of state are as they were"

is "$(sed -n '/^-- findings/,/^-- seen/p' "$PHIG_OUT/after" | wc -l)" 2 "verify_labels() and verify_policy() find nothing"

journal_lines()
{
	value "SELECT string_agg(command || coalesce(' ' || split_part(query, ',', 1), ''), '; ' ORDER BY node, position) FROM phiguard.access_log WHERE kind = 'server' AND $1"
}

# ancestors NODE: the nodes that it came from, the nearest first, by the headers of first segments.  Where both clusters
# name one directory, each start of another one begins a branch (docs/operations.md): there are some between.
ancestors()
{
	local node=$1 parent=

	while parent=$(for segment in "$journal"/*; do
		if [ "$(head -c 8 "$segment" | tr -d '\0')" = PHIGSEG1 ] && [ "$(hex "$segment" 24)" = "$node" ]; then hex "$segment" 96; fi
	done | sed '/^0*$/d' | sort -u) && [ -n "$parent" ]; do
		say "$parent"
		node=$parent
	done
}

# hex FILE OFFSET: 16 bytes.
hex()
{
	od -An -tx1 -v -j "$2" -N 16 "$1" | tr -d ' \n'
	echo
}

# The journal: a branch in the same directory that names its parent, and all of it verifies.
new_node=$(awk '$1 == "node" { print $2 }' "$journal/node")
[ "$new_node" != "$old_node" ] || die "the upgraded cluster goes on as the old node"
is "$(ancestors "$new_node" | tail -n 1)" "$old_node" "the journal goes on as a branch of the old node, $(ancestors "$new_node" | wc -l) branches on"
is "$(value "SELECT count(*) FROM phiguard.verify_journal()")" 0 "the journal verifies on the new version"
is "$(value "SELECT count(*) FROM phiguard.access_log WHERE login_role = 'data_science' AND node = '${old_node:0:8}'")" "$old_records" \
	"what was read before the upgrade is on record"
[ "$(value "SELECT count(*) FROM phiguard.access_log WHERE login_role = 'data_science' AND node = '${new_node:0:8}'")" -gt 0 ] ||
	die "what was read after the upgrade is not on record"
journal_lines "node = '${new_node:0:8}'"

# The extract is closed until somebody has looked.
is "$(value "SELECT * FROM ages ORDER BY born" data_science | sed 's/:.*//')" ERROR "the extract is closed"
value "SELECT * FROM ages" data_science
value "SELECT * FROM phiguard.check_extract('ages')"
value "SELECT phiguard.attest_extract('ages', 'Looked at after the upgrade. J. Doe', valid => '1 year')"
is "$(value "SELECT * FROM ages ORDER BY born" data_science)" "$ages" "attested anew, the extract shows what it did"

# Control: one label less, and the comparison fails.
value "SELECT phiguard.label('patient', 'zip', NULL)"
state >"$PHIG_OUT/control"
if diff "$PHIG_OUT/before" "$PHIG_OUT/control" >"$PHIG_OUT/control.diff"; then die "control: a label less was not noticed"; fi
say "ok: control: with one label less the comparison fails"
