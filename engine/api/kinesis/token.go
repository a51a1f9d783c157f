package kinesis

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// tokenLife is how long the token of a further page may be used.
const tokenLife = 5 * time.Minute

// encodeToken hides where a list goes on from clients.
func encodeToken(at any) (*string, error) {
	text, err := json.Marshal(at)
	if err != nil {
		return nil, fmt.Errorf("encode token: %w", err)
	}
	return aws.String(base64.StdEncoding.EncodeToString(text)), nil
}

func decodeToken(token string, at any) error {
	text, err := base64.StdEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(text, at) != nil {
		return invalid("NextToken is invalid.")
	}
	return nil
}

// fresh refuses a token that was issued too long ago; in Unix milliseconds.
func fresh(issued int64, now time.Time) error {
	if now.Sub(time.UnixMilli(issued)) <= tokenLife {
		return nil
	}
	return &types.ExpiredNextTokenException{Message: aws.String(fmt.Sprintf("NextToken has expired. Tokens are valid for %d seconds.", int(tokenLife.Seconds())))}
}
