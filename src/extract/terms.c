/*
 * terms.c
 *		On what terms an extract may be read: agreements, attestations, determinations.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "extract/prove.h"
#include "policy/words.h"

static char *attestation_problem(const PhigExtractRow *row, const PhigProof *proof, TimestampTz now,
								 TimestampTz *until, char **hint);
static char *determination_problem(const PhigExtractRow *row, TimestampTz now, TimestampTz *until, char **hint);
static bool names(List *list, const char *word);

PhigAgreementRow *
phig_agreement_named(const char *name)
{
	ListCell   *lc;

	foreach(lc, phig_policy_rows_of(PHIG_POLICY_AGREEMENT, NULL))
	{
		PhigAgreementRow *row = lfirst(lc);

		if (strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

char *
phig_agreement_problem(const char *name, const char *purpose, const char *method, TimestampTz *until)
{
	const bool	limited = strcmp(method, "limited_data_set") == 0;
	const PhigAgreementRow *row = name == NULL ? NULL : phig_agreement_named(name);
	const PhigPurposeRow *of = phig_policy_purpose(purpose);
	TimestampTz now = GetCurrentTimestamp();

	if (of == NULL)
		return psprintf("There is no purpose \"%s\".", purpose);
	if (limited && !phig_purpose_code_is(of->code, "HRESCH") && !phig_purpose_code_is(of->code, "PUBHLTH") &&
		!phig_purpose_code_is(of->code, "HOPERAT"))
		return psprintf("A limited data set is for research, public health and health care operations; purpose \"%s\" is %s (45 CFR 164.514(e)(3)).",
						purpose, of->code);
	if (name == NULL)
		return limited ? "A limited data set goes out under a data use agreement only (45 CFR 164.514(e)(1))." : NULL;
	if (row == NULL)
		return psprintf("There is no agreement \"%s\".", name);
	if (limited && strcmp(row->kind, "DUA") != 0)
		return psprintf("Agreement \"%s\" is of kind %s; a limited data set wants a DUA (45 CFR 164.514(e)(4)).", name, row->kind);
	if (!names(row->purposes, purpose))
		return psprintf("Agreement \"%s\" does not permit purpose \"%s\".", name, purpose);
	if (row->ended <= now)
		return psprintf("Agreement \"%s\" has been ended.", name);
	if (row->expires <= now)
		return psprintf("Agreement \"%s\" has expired.", name);
	if (row->effective > now)
	{
		*until = Min(*until, row->effective);
		return psprintf("Agreement \"%s\" is not yet effective.", name);
	}
	*until = Min(*until, row->expires);
	return NULL;
}

char *
phig_extract_terms(const PhigExtractRow *row, const PhigProof *proof, TimestampTz *until, char **hint)
{
	TimestampTz now = GetCurrentTimestamp();
	char	   *problem = phig_agreement_problem(row->agreement, row->purpose, row->method, until);

	*hint = "A privacy officer makes another agreement: phiguard.create_agreement(), and phiguard.replace_extract().";
	if (problem == NULL && strcmp(row->method, "safe_harbor") == 0)
		problem = attestation_problem(row, proof, now, until, hint);
	if (problem == NULL && strcmp(row->method, "expert_determination") == 0)
		problem = determination_problem(row, now, until, hint);
	return problem;
}

/* 45 CFR 164.514(b)(2)(ii): somebody says that there is no actual knowledge. */
static char *
attestation_problem(const PhigExtractRow *row, const PhigProof *proof, TimestampTz now, TimestampTz *until, char **hint)
{
	ListCell   *lc;

	*hint = "A privacy officer attests that there is no actual knowledge: phiguard.attest_extract().";
	if (row->attestation == NULL)
		return "Nobody has attested that there is no actual knowledge (45 CFR 164.514(b)(2)(ii)).";
	if (row->attested_pin == NULL || strcmp(row->attested_pin, row->pin) != 0)
		return "It has changed since somebody attested that there is no actual knowledge (45 CFR 164.514(b)(2)(ii)).";
	if (row->attested_until <= now)
		return "The attestation of no actual knowledge has expired (45 CFR 164.514(b)(2)(ii)).";
	foreach(lc, proof->findings)
	{
		const PhigFinding *finding = lfirst(lc);

		if (finding->verdict == PHIG_VERDICT_ATTEST && !names(row->redacted, finding->column))
			return psprintf("The attestation does not name column \"%s\", which is redacted text (45 CFR 164.514(b)(2)(ii)).",
							finding->column);
	}
	*until = Min(*until, row->attested_until);
	return NULL;
}

/* 45 CFR 164.514(b)(1): the newest one counts. */
static char *
determination_problem(const PhigExtractRow *row, TimestampTz now, TimestampTz *until, char **hint)
{
	const PhigExtractRiskRow *newest = NULL;
	ListCell   *lc;

	*hint = "A privacy officer records what an expert has determined: phiguard.record_determination().";
	foreach(lc, phig_policy_rows_of(PHIG_POLICY_EXTRACT_RISK, NULL))
	{
		const PhigExtractRiskRow *risk = lfirst(lc);

		if (strcmp(risk->schema, row->schema) == 0 && strcmp(risk->relation, row->relation) == 0 &&
			(newest == NULL || risk->recorded >= newest->recorded))
			newest = risk;
	}
	if (newest == NULL)
		return "No expert's determination is on record (45 CFR 164.514(b)(1)).";
	if (strcmp(newest->pin, row->pin) != 0)
		return "It has changed since an expert's determination (45 CFR 164.514(b)(1)).";
	if (!newest->within)
		return "By the expert's determination the risk is not within its limits (45 CFR 164.514(b)(1)).";
	if (newest->valid_until <= now)
		return "The expert's determination has expired (45 CFR 164.514(b)(1)).";
	*until = Min(*until, newest->valid_until);
	return NULL;
}

static bool
names(List *list, const char *word)
{
	ListCell   *lc;

	foreach(lc, list)
		if (strcmp(lfirst(lc), word) == 0)
			return true;
	return false;
}
