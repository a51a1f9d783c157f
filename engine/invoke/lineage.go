package invoke

import (
	"encoding/binary"
	"encoding/hex"
	"hash/fnv"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

// maxRecursion is how often one function may be invoked in one chain of requests.
const maxRecursion = 16

// chain returns the trace header for a call of f that came with header, one step
// further in its chain of requests: the SDKs inside functions send what they were
// given on to Lambda, SQS and SNS. Its field Lineage counts the calls of each function
// of the chain, "HASH:COUNT|HASH:COUNT". A call that would be the 17th of f is
// refused, unless f allows it.
func chain(header string, f *catalog.Function) (string, error) {
	if strings.Contains(header, "%") { // some SDKs encode the bar
		if plain, err := url.PathUnescape(header); err == nil {
			header = plain
		}
	}
	id := lineageID(f.Ref())
	var fields, lineage []string
	for field := range strings.SplitSeq(header, ";") {
		if list, ok := strings.CutPrefix(strings.TrimSpace(field), "Lineage="); ok {
			lineage = strings.Split(list, "|")
		} else if field != "" {
			fields = append(fields, field)
		}
	}
	if len(fields) == 0 {
		fields = newTrace()
	}
	count, known := 0, false
	for i, step := range lineage {
		if prefix, n, ok := cutLast(step, ":"); ok && (prefix == id || strings.HasSuffix(prefix, ":"+id)) {
			count, _ = strconv.Atoi(n)
			count++
			lineage[i], known = id+":"+strconv.Itoa(count), true
		}
	}
	if count >= maxRecursion && f.RecursiveLoop != types.RecursiveLoopAllow {
		message := "Lambda has detected a recursive invocation loop involving your function '" + f.Ref().ARN() + "', and has stopped it. Set its recursive loop detection to Allow if the loop is meant to be."
		return "", &types.RecursiveInvocationException{Message: &message, Type: new("User")}
	}
	if !known {
		lineage = append(lineage, id+":0")
	}
	return strings.Join(append(fields, "Lineage="+strings.Join(lineage, "|")), ";"), nil
}

// lineageID stands for a function in a trace header.
func lineageID(r catalog.Ref) string {
	h := fnv.New32a()
	for _, part := range []string{r.Account, r.Region, r.Name} {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{':'})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// newTrace begins a trace, which nobody records.
func newTrace() []string {
	var id [24]byte
	binary.BigEndian.PutUint32(id[:], uint32(time.Now().Unix()))
	binary.BigEndian.PutUint64(id[4:], rand.Uint64())
	binary.BigEndian.PutUint32(id[12:], rand.Uint32())
	binary.BigEndian.PutUint64(id[16:], rand.Uint64())
	text := hex.EncodeToString(id[:])
	return []string{"Root=1-" + text[:8] + "-" + text[8:32], "Parent=" + text[32:], "Sampled=0"}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
