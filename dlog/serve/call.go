package serve

import "github.com/ardea-stream/ardea/dlog"

// request is a call. Which fields count depends on the verb.
type request struct {
	Verb    verb            `json:"verb"`
	Log     string          `json:"log,omitempty"`
	Name    string          `json:"name,omitempty"` // of a subscription, or a new one of a log
	After   string          `json:"after,omitempty"`
	Offset  uint64          `json:"offset,omitempty"`
	Epoch   uint64          `json:"epoch,omitempty"`
	Writer  uint64          `json:"writer,omitempty"`
	From    string          `json:"from,omitempty"`
	Options dlog.LogOptions `json:"options"`
}

// verb says what is called for.
type verb string

const (
	verbCreate        verb = "create"
	verbLogs          verb = "logs" // that begin with Log, from behind After on
	verbInfo          verb = "info"
	verbRename        verb = "rename"
	verbDelete        verb = "delete"
	verbTruncate      verb = "truncate"
	verbRetain        verb = "retain"
	verbFork          verb = "fork"
	verbSubscribe     verb = "subscribe"
	verbPosition      verb = "position"
	verbCommit        verb = "commit"
	verbUnsubscribe   verb = "unsubscribe"
	verbSubscriptions verb = "subscriptions"
	verbOpen          verb = "open" // a writer
	verbFlush         verb = "flush"
	verbSeal          verb = "seal"
	verbClose         verb = "close" // a writer
)

// answer is what a call gives, beside errors.
type answer struct {
	Info          *dlog.Info              `json:"info,omitempty"`
	Logs          []dlog.Info             `json:"logs,omitempty"`
	More          bool                    `json:"more,omitempty"` // there are logs behind the last one
	Subscriptions []dlog.SubscriptionInfo `json:"subscriptions,omitempty"`
	Offset        uint64                  `json:"offset,omitempty"`
	Epoch         uint64                  `json:"epoch,omitempty"`
}

// readRequest opens a stream.
type readRequest struct {
	Log         string `json:"log"`
	From        string `json:"from"`
	Uncommitted bool   `json:"uncommitted,omitempty"`
	Credit      int64  `json:"credit"` // bytes that the server may send at first
}

// maxPage is how many logs an answer lists.
const maxPage = 4096
