package sqs

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// handleVersion is the first byte of a receipt handle.
const handleVersion = 1

// handle makes the receipt handle of a message that was received that many times. It
// names the queue, the message and the receive.
func (q *queue) handle(number uint64, count uint32) *string {
	b := append(make([]byte, 0, 64), handleVersion)
	b = append(b, q.incarnation...)
	b = binary.BigEndian.AppendUint64(b, number)
	b = binary.BigEndian.AppendUint32(b, count)
	return aws.String(base64.StdEncoding.EncodeToString(b))
}

// open reads a receipt handle of the queue.
func (q *queue) openHandle(text *string) (number uint64, count uint32, err error) {
	b, err := base64.StdEncoding.DecodeString(aws.ToString(text))
	if err != nil || len(b) != 1+len(q.incarnation)+12 || b[0] != handleVersion || string(b[1:1+len(q.incarnation)]) != q.incarnation {
		return 0, 0, &types.ReceiptHandleIsInvalid{Message: aws.String(`The input receipt handle "` + aws.ToString(text) + `" is not a valid receipt handle.`)}
	}
	b = b[1+len(q.incarnation):]
	return binary.BigEndian.Uint64(b), binary.BigEndian.Uint32(b[8:]), nil
}
