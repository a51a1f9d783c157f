package kinesis

import (
	"crypto/md5" // Kinesis maps partition keys to shards by MD5.
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// shardWidth is the size of the hash range of each of n shards; the last one's
// ends at 2^128-1.
func shardWidth(n int) *big.Int {
	all := new(big.Int).Lsh(big.NewInt(1), 128)
	return all.Div(all, big.NewInt(int64(n)))
}

// shardOf returns the shard that a record goes to, by its explicit hash key or
// else by the MD5 of its partition key.
func shardOf(n int, partitionKey string, explicit *string) (int, error) {
	hash := new(big.Int)
	if explicit == nil {
		sum := md5.Sum([]byte(partitionKey))
		hash.SetBytes(sum[:])
	} else if _, ok := hash.SetString(*explicit, 10); !ok || hash.Sign() < 0 || hash.BitLen() > 128 {
		return 0, invalid("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", *explicit)
	}
	return min(int(hash.Div(hash, shardWidth(n)).Int64()), n-1), nil
}

func shardID(i int) string { return fmt.Sprintf("shardId-%012d", i) }

// shardIndex is the reverse of shardID, for a stream of n shards.
func shardIndex(id string, n int) (int, bool) {
	i, err := strconv.Atoi(strings.TrimPrefix(id, "shardId-"))
	return i, err == nil && i >= 0 && i < n && id == shardID(i)
}

// describeShards describes all shards of a stream.
func (st *stream) describeShards() []types.Shard {
	shards := make([]types.Shard, st.shards)
	width := shardWidth(st.shards)
	last := new(big.Int).Lsh(big.NewInt(1), 128)
	one := big.NewInt(1)
	for i := range shards {
		start := new(big.Int).Mul(width, big.NewInt(int64(i)))
		end := new(big.Int).Add(start, width)
		if i == st.shards-1 {
			end.Set(last)
		}
		shards[i] = types.Shard{
			ShardId:             aws.String(shardID(i)),
			HashKeyRange:        &types.HashKeyRange{StartingHashKey: aws.String(start.String()), EndingHashKey: aws.String(end.Sub(end, one).String())},
			SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: aws.String(st.sequenceNumber(0, i))},
		}
	}
	return shards
}

// A sequence number has 56 digits, like AWS's, so that text order is number
// order: a constant, the time the stream was created, the record's position in
// JetStream and its shard. Numbers of a stream that was deleted and made again
// are larger than those it had before.
const (
	sequencePrefix = "49"
	sequenceDigits = 56
)

func (st *stream) sequenceNumber(position uint64, shard int) string {
	return fmt.Sprintf("%s%030d%020d%04d", sequencePrefix, st.created.UnixMilli(), position, shard)
}

// position returns where the record of that number stands in JetStream. A
// number from before the stream was made stands before all records.
func (st *stream) position(number string) (uint64, bool) {
	if len(number) != sequenceDigits || !strings.HasPrefix(number, sequencePrefix) {
		return 0, false
	}
	created, err := strconv.ParseInt(number[2:32], 10, 64)
	if err != nil || time.UnixMilli(created).After(st.created) {
		return 0, false
	}
	if time.UnixMilli(created).Before(st.created) {
		return 0, true
	}
	position, err := strconv.ParseUint(number[32:52], 10, 64)
	return position, err == nil
}
