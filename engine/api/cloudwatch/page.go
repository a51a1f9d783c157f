package cloudwatch

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const tokenPrefix = "from:"

// page returns the part of a list that a token of an earlier page asks for, and the
// token of the next, nil after the last.
func page[T any](all []T, token *string, size int) (part []T, next *string, err error) {
	from := 0
	if token != nil {
		raw, err := base64.StdEncoding.DecodeString(*token)
		text, ok := strings.CutPrefix(string(raw), tokenPrefix)
		if err == nil && ok {
			from, err = strconv.Atoi(text)
		}
		if err != nil || !ok || from < 0 {
			return nil, nil, &types.InvalidNextToken{Message: aws.String("Invalid nextToken: " + *token)}
		}
	}
	part = all[min(from, len(all)):]
	if len(part) > size {
		part = part[:size]
		next = aws.String(base64.StdEncoding.EncodeToString([]byte(tokenPrefix + strconv.Itoa(from+size))))
	}
	return part, next, nil
}
