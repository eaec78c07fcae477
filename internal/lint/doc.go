// Package lint holds tests about the source tree itself: who may import whom, where the documentation of a package
// stands, whether the documents name what exists, and what no text may contain. It has no code outside its tests.
//
// Each test is a policy that stands in a table at its top. Changing the table is how one changes the policy, in view of
// the reviewer.
package lint
