/*
 * words.c
 *		The words of policies: actions, purpose-of-use codes, modes.
 *
 * Codes are those of HL7 v3 ActReason (2.16.840.1.113883.5.8) below PurposeOfUse.  A code
 * means what the one above it means, and something more: what holds of a code holds of
 * all below it.  Treatment is TREAT and all below it.
 */
#include "postgres.h"

#include "policy/words.h"
#include "settings.h"

typedef struct PurposeCode
{
	const char *code;
	const char *above;			/* NULL at the top */
} PurposeCode;

static const PurposeCode codes[] = {
	{"HMARKT", NULL},
	{"HOPERAT", NULL},
	{"CAREMGT", "HOPERAT"},
	{"DONAT", "HOPERAT"},
	{"FRAUD", "HOPERAT"},
	{"GOV", "HOPERAT"},
	{"HACCRED", "HOPERAT"},
	{"HCOMPL", "HOPERAT"},
	{"HDECD", "HOPERAT"},
	{"HDIRECT", "HOPERAT"},
	{"HDM", "HOPERAT"},
	{"HLEGAL", "HOPERAT"},
	{"HOUTCOMS", "HOPERAT"},
	{"HPRGRP", "HOPERAT"},
	{"HQUALIMP", "HOPERAT"},
	{"HSYSADMIN", "HOPERAT"},
	{"HTEST", "HOPERAT"},
	{"LABELING", "HOPERAT"},
	{"MEMADMIN", "HOPERAT"},
	{"METAMGT", "HOPERAT"},
	{"MILCDM", "HOPERAT"},
	{"PATADMIN", "HOPERAT"},
	{"PATSFTY", "HOPERAT"},
	{"PERFMSR", "HOPERAT"},
	{"RECORDMGT", "HOPERAT"},
	{"SYSDEV", "HOPERAT"},
	{"TRAIN", "HOPERAT"},
	{"HPAYMT", NULL},
	{"CLMATTCH", "HPAYMT"},
	{"COVAUTH", "HPAYMT"},
	{"COVERAGE", "HPAYMT"},
	{"ELIGDTRM", "COVERAGE"},
	{"ELIGVER", "COVERAGE"},
	{"ENROLLM", "COVERAGE"},
	{"MILDCRG", "COVERAGE"},
	{"REMITADV", "HPAYMT"},
	{"HRESCH", NULL},
	{"BIORCH", "HRESCH"},
	{"CLINTRCH", "HRESCH"},
	{"CLINTRCHNPC", "CLINTRCH"},
	{"CLINTRCHPC", "CLINTRCH"},
	{"PRECLINTRCH", "CLINTRCH"},
	{"DSRCH", "HRESCH"},
	{"POARCH", "HRESCH"},
	{"TRANSRCH", "HRESCH"},
	{"PATRQT", NULL},
	{"FAMRQT", "PATRQT"},
	{"PWATRNY", "PATRQT"},
	{"SUPNWK", "PATRQT"},
	{"PUBHLTH", NULL},
	{"DISASTER", "PUBHLTH"},
	{"THREAT", "PUBHLTH"},
	{"TREAT", NULL},
	{"CLINTRL", "TREAT"},
	{"COC", "TREAT"},
	{"ETREAT", "TREAT"},
	{"BTG", "ETREAT"},
	{"ERTREAT", "ETREAT"},
	{"POPHLTH", "TREAT"},
	{"TREATDS", "TREAT"},
};

static const char *const actions[] = {
	[PHIG_ACTION_CLEAR] = "clear",
	[PHIG_ACTION_TRANSFORM] = "transform",
	[PHIG_ACTION_MASK] = "mask",
	[PHIG_ACTION_NULL] = "null",
	[PHIG_ACTION_DENY] = "deny"
};

static const char *const modes[] = {
	[PHIG_MODE_OFF] = "off",
	[PHIG_MODE_AUDIT] = "audit",
	[PHIG_MODE_ENFORCE] = "enforce"
};

static const PurposeCode *
find_code(const char *code)
{
	for (int i = 0; i < (int) lengthof(codes); i++)
		if (strcmp(codes[i].code, code) == 0)
			return &codes[i];
	return NULL;
}

const char *
phig_action_name(PhigAction action)
{
	return actions[action];
}

bool
phig_action_from_name(const char *name, PhigAction *action)
{
	for (int i = 0; i < (int) lengthof(actions); i++)
		if (i != PHIG_ACTION_TRANSFORM && strcmp(actions[i], name) == 0)
		{
			*action = (PhigAction) i;
			return true;
		}
	return false;
}

bool
phig_purpose_code_exists(const char *code)
{
	return find_code(code) != NULL;
}

bool
phig_purpose_code_is(const char *code, const char *ancestor)
{
	for (const PurposeCode *found = find_code(code); found != NULL;
		 found = found->above == NULL ? NULL : find_code(found->above))
		if (strcmp(found->code, ancestor) == 0)
			return true;
	return false;
}

const char *
phig_purpose_code_tops(void)
{
	return "HMARKT, HOPERAT, HPAYMT, HRESCH, PATRQT, PUBHLTH, TREAT";
}

int
phig_mode_from_name(const char *name)
{
	for (int i = 0; i < (int) lengthof(modes); i++)
		if (strcmp(modes[i], name) == 0)
			return i;
	return -1;
}

const char *
phig_mode_name(int mode)
{
	return modes[mode];
}
