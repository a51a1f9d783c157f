package sqs

import (
	"crypto/md5" //nolint:gosec // AWS's checksums are MD5
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// maxAttributes is how many attributes a message can have.
const maxAttributes = 10

// draft is a message that is to be sent.
type draft struct {
	message
	bodySum, attributeSum, systemSum *string
	size                             int // bytes, as limits count them
}

// newDraft checks what a sender gives, but for what depends on the kind of queue.
func newDraft(in *types.SendMessageBatchRequestEntry) (*draft, error) {
	d := &draft{}
	d.body = aws.ToString(in.MessageBody)
	if d.body == "" {
		return nil, missing("MessageBody")
	}
	if !validText(d.body) {
		return nil, &types.InvalidMessageContents{Message: aws.String(invalidCharacters)}
	}
	if len(in.MessageAttributes) > maxAttributes {
		return nil, invalid("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(in.MessageAttributes), maxAttributes)
	}
	d.size = len(d.body)
	for _, name := range slices.Sorted(maps.Keys(in.MessageAttributes)) {
		a, err := newAttribute(name, in.MessageAttributes[name])
		if err != nil {
			return nil, err
		}
		d.attrs = append(d.attrs, a)
		d.size += len(a.name) + len(a.kind) + len(a.value)
	}
	for name, value := range in.MessageSystemAttributes {
		if name != string(types.MessageSystemAttributeNameForSendsAWSTraceHeader) {
			return nil, invalid("Message system attribute name '%s' is not valid.", name)
		}
		if aws.ToString(value.DataType) != "String" || aws.ToString(value.StringValue) == "" {
			return nil, invalid("Message system attribute '%s' must contain a non-empty value of type 'String'.", name)
		}
		d.trace = *value.StringValue
		d.systemSum = sumOf([]attribute{{name: name, kind: "String", value: []byte(d.trace)}})
	}
	d.bodySum, d.attributeSum = sumOfBody(d.body), sumOf(d.attrs)
	return d, nil
}

const invalidCharacters = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"

func validText(s string) bool {
	for _, r := range s {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}

var (
	attributeName = regexp.MustCompile(`^[\p{L}0-9_.-]+$`)
	attributeType = regexp.MustCompile(`^(String|Number|Binary)(\..+)?$`)
)

// newAttribute checks a message attribute.
func newAttribute(name string, value types.MessageAttributeValue) (a attribute, err error) {
	lower := strings.ToLower(name)
	kind := aws.ToString(value.DataType)
	switch {
	case len(name) > 256:
		return a, invalid("Message (user) attribute names must be shorter than 256 Bytes")
	case !attributeName.MatchString(name):
		return a, invalid("Message (user) attributes name can only contain upper and lower score characters, digits, periods, hyphens and underscores. ")
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "."):
		return a, invalid("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Additionally, they cannot start or end with '.'.")
	case kind == "":
		return a, invalid("The message attribute '%s' must contain non-empty message attribute type.", name)
	case len(kind) > 256:
		return a, invalid("Message (user) attribute types must be shorter than 256 Bytes")
	case !attributeType.MatchString(kind):
		return a, invalid("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	case value.StringListValues != nil || value.BinaryListValues != nil:
		return a, &types.UnsupportedOperation{Message: aws.String("Message attribute list values in SendMessage operation are not supported.")}
	}
	base, _, _ := strings.Cut(kind, ".")
	a = attribute{name: name, kind: kind, binary: base == "Binary"}
	text := aws.ToString(value.StringValue)
	switch {
	case a.binary:
		a.value = value.BinaryValue
	case !validText(text):
		return a, invalid(invalidCharacters)
	default:
		a.value = []byte(text)
	}
	if len(a.value) == 0 {
		return a, invalid("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, base)
	}
	if _, err := strconv.ParseFloat(text, 64); base == "Number" && err != nil {
		return a, invalid("Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return a, nil
}

var fifoID = regexp.MustCompile("^[\\w!\"#$%&'()*+,./:;<=>?@\\[\\\\\\]^`{|}~-]{1,128}$")

func checkID(id *string, parameter string) error {
	if id != nil && !fifoID.MatchString(*id) {
		return invalidValue(*id, parameter, "%s can only include alphanumeric and punctuation characters. 1 to 128 in length.", parameter)
	}
	return nil
}

// address fills in what the queue decides: groups, duplicates, the delay, unless the
// sender gives one.
func (d *draft) address(q ref, r rules, in *types.SendMessageBatchRequestEntry, delays bool) error {
	if err := checkID(in.MessageGroupId, "MessageGroupId"); err != nil {
		return err
	}
	if err := checkID(in.MessageDeduplicationId, "MessageDeduplicationId"); err != nil {
		return err
	}
	d.group, d.dedup = aws.ToString(in.MessageGroupId), aws.ToString(in.MessageDeduplicationId)
	d.due = r.delay
	switch {
	case !q.fifo() && d.dedup != "":
		return invalidValue(d.dedup, "MessageDeduplicationId", "The request include parameter that is not valid for this queue type.")
	case q.fifo() && in.DelaySeconds != 0:
		return invalidValue(in.DelaySeconds, "DelaySeconds", "The request include parameter that is not valid for this queue type.")
	case in.DelaySeconds < 0 || in.DelaySeconds > 900:
		return invalidValue(in.DelaySeconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	case delays && !q.fifo():
		d.due = seconds(in.DelaySeconds)
	}
	if q.fifo() && d.dedup == "" && r.content {
		d.dedup = contentID(d.body)
	}
	return nil
}

// sumOfBody is the MD5 of a body.
func sumOfBody(body string) *string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // see above
	return aws.String(hex.EncodeToString(sum[:]))
}

// sumOf is the MD5 of attributes, which are in the order of their names; nil of none.
func sumOf(attrs []attribute) *string {
	if len(attrs) == 0 {
		return nil
	}
	sum := md5.New() //nolint:gosec // see above
	for _, a := range attrs {
		hashPart(sum, []byte(a.name))
		hashPart(sum, []byte(a.kind))
		transport := byte(1)
		if a.binary {
			transport = 2
		}
		sum.Write([]byte{transport})
		hashPart(sum, a.value)
	}
	return aws.String(hex.EncodeToString(sum.Sum(nil)))
}

func hashPart(sum hash.Hash, part []byte) {
	sum.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
	sum.Write(part)
}

// value is the attribute as a receiver gets it.
func (a attribute) asValue() types.MessageAttributeValue {
	v := types.MessageAttributeValue{DataType: aws.String(a.kind)}
	if a.binary {
		v.BinaryValue = a.value
	} else {
		v.StringValue = aws.String(string(a.value))
	}
	return v
}

// sequenceNumber is that of a FIFO message: 20 digits, which grow.
func sequenceNumber(number uint64) *string {
	return aws.String(fmt.Sprintf("%020d", 10_000_000_000_000_000_000+number))
}
