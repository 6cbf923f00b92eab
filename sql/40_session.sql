-- Who works here, on whose behalf and why: the claims of one transaction.

CREATE FUNCTION phiguard.begin_access(purpose text DEFAULT NULL, app_user text DEFAULT NULL,
                                      justification text DEFAULT NULL)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'phiguard_begin_access';

COMMENT ON FUNCTION phiguard.begin_access(text, text, text) IS
'Sets phiguard.purpose, phiguard.app_user and phiguard.justification until the end of the transaction: call it first in each transaction of a pooled connection. NULL clears. The values are claims: recorded as they are given, at most 256 bytes each, no control characters. Warns outside a transaction block, where they would last for one statement only. Source: 45 CFR 164.312(d), 164.528(b).';
