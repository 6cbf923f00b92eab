step "7. One byte of the journal is changed" \
	"The journal as it is:"

way="verify"
show auditor <<'SQL'
SELECT * FROM phiguard.verify_journal();
SQL
claim "it is intact" <<'SQL'
SELECT count(*) = 0 FROM phiguard.verify_journal();
SQL
peek=$(sql auditor -c "SELECT max(position) FROM phiguard.access_log WHERE application = 'peek' AND kind = 'read'")

tell "Whoever owns the files would rather not have peeked.  He stops the server and changes a letter of his name:"
server_stop demo
segment=$(grep -laF scientist "$journal"/*.seg | tail -n 1)
offset=$(grep -aboF scientist "$segment" | tail -n 1 | cut -d: -f1)
printf '\n  %s, byte %d: s becomes S\n' "$(basename "$segment")" "$offset"
printf S | dd of="$segment" bs=1 seek="$offset" conv=notrunc status=none
server_start demo

show auditor <<'SQL'
SELECT segment, position, what FROM phiguard.verify_journal();
SQL
claim "the change is found, in the record that says whose session it was, just before that of the peek" \
	-v peek="$peek" -v segment="$(basename "$segment")" <<'SQL'
SELECT count(*) > 0 FROM phiguard.verify_journal() WHERE segment = :'segment' AND position BETWEEN :peek - 2 AND :peek - 1;
SQL

tell "The peek itself is still on record; whose it was is no longer believed:"
show auditor <<SQL
SELECT position, login_role, kind, rows, query FROM phiguard.access_log WHERE position = $peek;
SQL
