// Package trending finds the hashtags that were used most in the last seconds:
// tweets (shuffle) to hashtags, hashtags (by tag) to counts, and the best of
// each count task (global) to one task that ranks them.
//
// It shows ticks. A count task keeps, for every tag, a ring of counts, one for
// each second of the window; a tick moves the ring on and sends the task's own
// best. As no tag is counted by two tasks, the best of all are among those.
//
// The tweets are made up, by seed: a few tags are used much and many little,
// and which ones drifts with time.
package trending
