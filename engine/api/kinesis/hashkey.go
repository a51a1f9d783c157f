package kinesis

import (
	"bytes"
	"crypto/md5" // Kinesis maps partition keys to shards by MD5.
	"math/big"
)

// hashKey is a number of 128 bits, big-endian.
type hashKey [16]byte

// hashOf returns the hash key that a record goes by: its explicit one, or else the MD5
// of its partition key.
func hashOf(partitionKey string, explicit *string) (hashKey, error) {
	if explicit == nil {
		return md5.Sum([]byte(partitionKey)), nil
	}
	h, ok := parseHashKey(*explicit)
	if !ok {
		return h, invalid("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", *explicit)
	}
	return h, nil
}

func parseHashKey(text string) (h hashKey, ok bool) {
	n, ok := new(big.Int).SetString(text, 10)
	if !ok || n.Sign() < 0 || n.BitLen() > 128 {
		return h, false
	}
	return hashKeyOf(n), true
}

// hashKeyOf is n modulo 2^128.
func hashKeyOf(n *big.Int) (h hashKey) {
	n.Mod(n, new(big.Int).Lsh(big.NewInt(1), 128)).FillBytes(h[:])
	return h
}

func (h hashKey) int() *big.Int             { return new(big.Int).SetBytes(h[:]) }
func (h hashKey) String() string            { return h.int().String() }
func (h hashKey) compare(other hashKey) int { return bytes.Compare(h[:], other[:]) }

// plus returns h+n, modulo 2^128.
func (h hashKey) plus(n int64) hashKey { return hashKeyOf(h.int().Add(h.int(), big.NewInt(n))) }

// MarshalText writes the number in decimal.
func (h hashKey) MarshalText() ([]byte, error) { return h.int().MarshalText() }

// UnmarshalText is the reverse of MarshalText.
func (h *hashKey) UnmarshalText(text []byte) error {
	n := new(big.Int)
	if err := n.UnmarshalText(text); err != nil {
		return err
	}
	*h = hashKeyOf(n)
	return nil
}

// uniform returns where each of n shards of the same width begins; the last one takes
// what is left.
func uniform(n int) []hashKey {
	width := new(big.Int).Lsh(big.NewInt(1), 128)
	width.Div(width, big.NewInt(int64(n)))
	starts := make([]hashKey, n)
	for i := range starts {
		starts[i] = hashKeyOf(new(big.Int).Mul(width, big.NewInt(int64(i))))
	}
	return starts
}
