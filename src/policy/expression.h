/*
 * expression.h
 *		What is shown in place of a value: for the rest of the module; see phig_policy_expression.
 */
#ifndef PHIG_POLICY_EXPRESSION_H
#define PHIG_POLICY_EXPRESSION_H

#include "policy/call.h"
#include "policy/policy.h"

/* The key domain that a transform of phiguard uses in a purpose, or NULL. */
extern const char *phig_transform_domain(const PhigTransformCall *call, const char *purpose);

/* As phig_policy_expression for a purpose; function (may be NULL): set to the transform's, InvalidOid for none. */
extern Node *phig_policy_make(const char *purpose, const PhigDecision *decision, Node *value, Node *subject,
							  Oid *function, const char **problem);

/*
 * phig_transform_check_literals
 *		What a rule gives a transform of phiguard besides the value: is it what that takes, whatever the value?
 *
 * Errors: 22023, 22P02, 22007 for what it is not.
 */
extern void phig_transform_check_literals(const PhigTransformCall *call);

#endif
