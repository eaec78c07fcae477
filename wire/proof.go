package wire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// NonceSize is the length of a hello's nonce in bytes.
const NonceSize = 16

// HelloProof returns what shows that the sender of h knows secret and means to
// reach container to: HMAC-SHA-256 (RFC 2104) over "hello", the nonce, to and
// what h says of its sender. h.Proof does not matter.
func HelloProof(secret []byte, h *Hello, to uint32) []byte {
	b := append([]byte("hello"), h.Nonce...)
	b = binary.LittleEndian.AppendUint32(b, to)
	b = binary.LittleEndian.AppendUint32(b, h.Container)
	b = binary.LittleEndian.AppendUint64(b, h.Incarnation)
	b = binary.LittleEndian.AppendUint64(b, h.Fingerprint)
	return sign(secret, binary.LittleEndian.AppendUint32(b, h.Epoch))
}

// WelcomeProof returns what shows that container from, which welcomes a hello
// with that nonce, knows secret.
func WelcomeProof(secret, nonce []byte, from uint32) []byte {
	return sign(secret, binary.LittleEndian.AppendUint32(append([]byte("welcome"), nonce...), from))
}

// SameProof compares two proofs in a time that does not tell where they differ.
func SameProof(a, b []byte) bool { return hmac.Equal(a, b) }

func sign(secret, text []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(text)
	return mac.Sum(nil)
}
