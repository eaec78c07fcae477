package wire

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/ardea-stream/ardea/wire/wirepb"
)

// Hello is what a dialling side says of itself, as the first frame of a link.
type Hello struct {
	Protocol    uint32 // set by AppendHello
	Topology    string // name
	Fingerprint uint64 // of the logical plan
	Epoch       uint32 // of the physical plan
	Task        uint32 // task that speaks; 0 for a stream manager
	Container   uint32 // container that speaks, where Task is 0
	Incarnation uint64 // rises with every start of the same task or container
	PID         uint32
	Nonce       []byte // at most 64 bytes, covered by the proof of the welcome; stream managers with a secret
	Proof       []byte // see HelloProof
}

// AppendHello appends a whole hello frame, header included.
func AppendHello(dst []byte, h Hello) []byte {
	return appendMessage(dst, Header{Kind: KindHello, Source: h.Task, Epoch: h.Epoch}, &wirepb.Hello{
		Protocol: Protocol, Topology: clean(h.Topology), Fingerprint: h.Fingerprint, Epoch: h.Epoch,
		Task: h.Task, Container: h.Container, Incarnation: h.Incarnation, Pid: h.PID,
		Nonce: h.Nonce, Proof: h.Proof,
	})
}

// ParseHello reads the body of a hello frame. The error wraps ErrHandshake.
func ParseHello(body []byte) (Hello, error) {
	var m wirepb.Hello
	if err := proto.Unmarshal(body, &m); err != nil {
		return Hello{}, fmt.Errorf("%w: hello: %w", ErrHandshake, err)
	}
	return Hello{
		Protocol: m.GetProtocol(), Topology: m.GetTopology(), Fingerprint: m.GetFingerprint(), Epoch: m.GetEpoch(),
		Task: m.GetTask(), Container: m.GetContainer(), Incarnation: m.GetIncarnation(), PID: m.GetPid(),
		Nonce: m.GetNonce(), Proof: m.GetProof(),
	}, nil
}

// Welcome is a stream manager's answer to a hello that it accepts.
type Welcome struct {
	Epoch       uint32
	Credit      uint32 // bytes of data frames that may be sent before more is granted
	Incarnation uint64 // of the stream manager
	Proof       []byte // see WelcomeProof
}

// AppendWelcome appends a whole welcome frame, header included.
func AppendWelcome(dst []byte, w Welcome) []byte {
	return appendMessage(dst, Header{Kind: KindWelcome, Epoch: w.Epoch}, &wirepb.Welcome{
		Epoch: w.Epoch, Credit: w.Credit, Incarnation: w.Incarnation, Proof: w.Proof,
	})
}

// ParseWelcome reads the body of a welcome frame. The error wraps ErrHandshake.
func ParseWelcome(body []byte) (Welcome, error) {
	var m wirepb.Welcome
	if err := proto.Unmarshal(body, &m); err != nil {
		return Welcome{}, fmt.Errorf("%w: welcome: %w", ErrHandshake, err)
	}
	return Welcome{Epoch: m.GetEpoch(), Credit: m.GetCredit(), Incarnation: m.GetIncarnation(), Proof: m.GetProof()}, nil
}

// Code says why a side closes a link.
type Code uint32

// The codes of an error frame.
const (
	CodeInternal   Code = 1 + iota
	CodeProtocol        // hello of another protocol version
	CodeTopology        // other topology name or fingerprint
	CodeEpoch           // other plan epoch
	CodeUnknown         // task or container that does not belong here
	CodeDuplicate       // an older incarnation, while a newer one is connected
	CodeMalformed       // frame or batch that cannot be parsed
	CodeUnexpected      // frame that is not allowed now, such as data before the hello
	CodeRoute           // stream, source or destination that the plan does not know
	CodeCredit          // more bytes than were granted
	CodeSecret          // no proof, or a wrong one, of the secret that the run shares

	codeLimit
)

var codeNames = [codeLimit]string{
	"none", "internal", "protocol", "topology", "epoch", "unknown", "duplicate", "malformed", "unexpected", "route", "credit", "secret",
}

// String returns the code's name in lower case.
func (c Code) String() string {
	if c < codeLimit {
		return codeNames[c]
	}
	return fmt.Sprintf("code(%d)", uint32(c))
}

// RemoteError is the reason that the other side gave for closing the link.
type RemoteError struct {
	Code Code
	Text string
}

// Error gives the code's name and the text.
func (e *RemoteError) Error() string { return fmt.Sprintf("wire: refused (%v): %s", e.Code, e.Text) }

// maxText is what an error frame holds of a text, in bytes.
const maxText = 4 << 10

// AppendError appends a whole error frame, header included. Of the text the
// first 4 KiB are kept, and bytes that are no UTF-8 are replaced.
func AppendError(dst []byte, epoch uint32, code Code, text string) []byte {
	return appendMessage(dst, Header{Kind: KindError, Epoch: epoch}, &wirepb.ErrorInfo{Code: uint32(code), Text: clean(text)})
}

// ParseError reads the body of an error frame. The second result wraps ErrHandshake when that fails.
func ParseError(body []byte) (*RemoteError, error) {
	var m wirepb.ErrorInfo
	if err := proto.Unmarshal(body, &m); err != nil {
		return nil, fmt.Errorf("%w: error: %w", ErrHandshake, err)
	}
	return &RemoteError{Code: Code(m.GetCode()), Text: m.GetText()}, nil
}

// clean makes a string fit for a protobuf message of limited size.
func clean(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return cleanText(s)
}

func cleanText(s string) string { return strings.ToValidUTF8(s, "?") }

// appendMessage appends a frame of header h whose body is m. The messages of
// this file are flat, and their strings are clean, so that nothing can go wrong.
func appendMessage(dst []byte, h Header, m proto.Message) []byte {
	h.Length = uint32(proto.Size(m))
	out, err := proto.MarshalOptions{}.MarshalAppend(AppendHeader(dst, h), m)
	if err != nil {
		panic("wire: message cannot be encoded: " + err.Error())
	}
	return out
}
