/*
 * expression.h
 *		What is shown in place of a value: for the rest of the module; see phig_policy_expression.
 */
#ifndef PHIG_POLICY_EXPRESSION_H
#define PHIG_POLICY_EXPRESSION_H

#include "policy/policy.h"

/* As phig_policy_expression for a purpose; function (may be NULL): set to the transform's, InvalidOid for none. */
extern Node *phig_policy_make(const char *purpose, const PhigDecision *decision, Node *value, Node *subject,
							  Oid *function, const char **problem);

#endif
