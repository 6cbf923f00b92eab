step "4. The auditor reads the record" \
	"One row an execution.  Reading the record is on record too."

way="audit"
show auditor <<'SQL'
SELECT position, login_role, kind, command, rows, outcome, left(query, 45) AS query
  FROM phiguard.access_log WHERE kind IN ('read', 'write', 'denied') AND application ~ '^[0-9]' ORDER BY position;
SQL
claim "loading patient is on record, as a write of its labelled columns" <<'SQL'
SELECT count(*) = 1 FROM phiguard.access_log
 WHERE login_role = 'postgres' AND kind = 'write' AND command = 'COPY' AND rows = 27 AND 'public.patient.ssn' = ANY (stored);
SQL
claim "that the auditor read it is on record" <<'SQL'
SELECT count(*) > 0 FROM phiguard.access_log WHERE kind = 'log_read' AND login_role = 'auditor' AND application = 'audit';
SQL
tell "Statements are recorded without a single value of theirs:"
show auditor <<'SQL'
SELECT query FROM phiguard.access_log WHERE application = '1 table';
SQL
journal=$PGDATA/phiguard/journal
{
	sql postgres -c "SELECT unnest(ARRAY[first_name, last_name, ssn, address]) FROM patient"
	printf '%s\n' 999-66-5120 Nobody Hypertension Hispanic 'New Street' 3edac2e3
} >"$PHIG_WORK/values"
if grep -rqaFf "$PHIG_WORK/values" "$journal"; then
	printf '\n  DOES NOT HOLD: the journal contains\n'
	grep -rahoFf "$PHIG_WORK/values" "$journal" | sort -u
	exit 1
fi
# A search that finds nothing must be one that could have.
grep -rqaF first_name "$journal"
printf '\n  checked: no literal of the tour, and no name, number or address of a patient, is in the bytes of the journal\n'
claims=$((claims + 1))
