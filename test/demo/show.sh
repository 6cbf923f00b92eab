# show.sh: how the tour speaks, and how it checks itself.  Sourced, not run.

claims=0

step()
{
	printf '\n\n== %s\n\n' "$1"
	shift
	printf '%s\n' "$@"
}

tell()
{
	printf '\n%s\n' "$@"
}

# sql ROLE [OPTION]...: run standard input as ROLE, silently.
sql()
{
	psql -XAtq -v ON_ERROR_STOP=1 -U "$@"
}

# show ROLE: run standard input as ROLE and print it with its answers.  The record knows it as $way.
show()
{
	printf '\n  as %s:\n' "$1"
	PGAPPNAME=${way-demo} psql -Xaq -P footer=off -U "$1" 2>&1 | sed '/^$/d; s/^/    /'
}

# claim SENTENCE [OPTION]...: the query on standard input must answer t, to the auditor.
claim()
{
	local answer

	answer=$(sql auditor "${@:2}" 2>&1) || true
	if [ "$answer" != t ]; then
		printf '\n  DOES NOT HOLD: %s\n  (the check answered: %s)\n' "$1" "$answer"
		exit 1
	fi
	printf '\n  checked: %s\n' "$1"
	claims=$((claims + 1))
}

# on_record: print what the record has of $way, which must be what standard input says.
on_record()
{
	local expected actual

	expected=$(cat)
	actual=$(sql auditor -v way="$way" <<'SQL'
SELECT format(E'%s: %s, %s%s', login_role, kind, command, ', ' || rows || ' row' || CASE WHEN rows = 1 THEN '' ELSE 's' END)
       || coalesce(CASE kind WHEN 'denied' THEN E'\n  asked for ' ELSE E'\n  came out  ' END || replace(nullif(array_to_string(returned, ' '), ''), 'public.', ''), '')
       || coalesce(E'\n  steered   ' || replace(nullif(array_to_string(referenced, ' '), ''), 'public.', ''), '')
       || coalesce(E'\n  stored    ' || replace(nullif(array_to_string(stored, ' '), ''), 'public.', ''), '')
  FROM phiguard.access_log WHERE application = :'way' AND kind IN ('read', 'write', 'denied') ORDER BY position;
SQL
	)
	printf '\n  on record:\n'
	printf '%s\n' "$actual" | sed 's/^/    /'
	if [ "$actual" != "$expected" ]; then
		printf '\n  DOES NOT HOLD, the record should say:\n'
		printf '%s\n' "$expected" | sed 's/^/    /'
		exit 1
	fi
	claims=$((claims + 1))
}
