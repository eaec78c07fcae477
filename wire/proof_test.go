package wire

import (
	"encoding/hex"
	"testing"
)

// TestProofVectors pins the bytes, so that stream managers of other versions
// and languages agree. The values were computed with Python's hmac module.
func TestProofVectors(t *testing.T) {
	secret, nonce := []byte("sixteen byte key"), []byte("0123456789abcdef")
	h := Hello{Container: 1, Incarnation: 300, Fingerprint: 0x0123456789abcdef, Epoch: 3, Nonce: nonce, Proof: []byte("ignored")}
	for _, c := range []struct {
		name string
		have []byte
		want string
	}{
		{"hello", HelloProof(secret, &h, 2), "b626afeefd4b48621e3670838e92e919de55a4b7841e18ddaaac15689b9148e0"},
		{"welcome", WelcomeProof(secret, nonce, 2), "0bffe5ca72514aefbb2a524d6f145a509e0ebbed1edaaf8bd80f4dc0be63ffbb"},
	} {
		if got := hex.EncodeToString(c.have); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
