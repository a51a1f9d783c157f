package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// register is what a writer knows of a value that only it writes. "" is for none.
type register struct {
	acked     string
	attempted []string // since the last acknowledgement
}

// may tells whether the value can be v: the last one acknowledged, or one tried since.
func (r *register) may(v string) bool { return v == r.acked || slices.Contains(r.attempted, v) }

func (r *register) String() string { return fmt.Sprintf("%q, or of %q", r.acked, r.attempted) }

// errBroken says that the engine died: whether the last write counts is unknown.
var errBroken = errors.New("the connection broke")

// write makes one attempt to write v.
func (r *register) write(v string, do func() error) error {
	r.attempted = append(r.attempted, v)
	if err := do(); err != nil {
		return err
	}
	r.acked, r.attempted = v, nil
	return nil
}

// model is what a writer knows of one function.
type model struct {
	name     string
	code     register            // hash of $LATEST; "" when the function does not exist
	versions map[string]string   // acknowledged: number → hash
	doubtful map[string]string   // versions that may have been deleted
	last     int                 // highest number ever seen
	aliases  map[string]register // name → version
	grants   []string            // acknowledged statements
	mapping  string              // UUID
	batch    register            // size of the mapping's batches
	events   []string            // accepted
}

func newModel(name string) *model {
	return &model{name: name, versions: map[string]string{}, doubtful: map[string]string{}, aliases: map[string]register{}}
}

// writer changes one function, at random, one thing after the other.
type writer struct {
	*lambda.Client
	*model
	source string // stream of the mapping
	log    string // file that the handler writes the ids of its events to
	n      int
}

// work repeats step until the engine dies.
func (w *writer) work(ctx context.Context, step func(context.Context) error) error {
	for {
		if err := step(ctx); errors.Is(err, errBroken) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
}

func (w *writer) step(ctx context.Context) error {
	w.n++
	if w.code.acked == "" {
		return w.create(ctx)
	}
	switch n := rand.IntN(100); {
	case n < 20:
		return w.update(ctx)
	case n < 40:
		return w.publish(ctx)
	case n < 60:
		return w.point(ctx, []string{"live", "beta", "dev"}[rand.IntN(3)])
	case n < 65:
		return w.unpoint(ctx, "dev")
	case n < 70:
		return w.grant(ctx)
	case n < 80:
		return w.resize(ctx)
	case n < 83:
		return w.prune(ctx)
	}
	return w.event(ctx)
}

// outcome sorts errors: nil and API errors are answers, anything else is none.
func outcome(err error) error {
	var api smithy.APIError
	if err == nil || errors.As(err, &api) {
		return err
	}
	return errBroken
}

// pkg makes a package that no other is the same as.
func (w *writer) pkg() (pkg []byte, sum string, err error) {
	pkg, err = zipOf(map[string]string{"app.py": fmt.Sprintf(`
def handler(event, context):
    with open(%q, 'a') as f: f.write(event.get('id', '-') + '\n')
    return '%s %d'
`, w.log, w.name, w.n)})
	hash := sha256.Sum256(pkg)
	return pkg, base64.StdEncoding.EncodeToString(hash[:]), err
}

// create makes the function, if the engine has not done so in its last moments.
func (w *writer) create(ctx context.Context) error {
	pkg, sum, err := w.pkg()
	if err != nil {
		return err
	}
	err = w.code.write(sum, func() error {
		out, err := w.CreateFunction(ctx, &lambda.CreateFunctionInput{
			FunctionName: &w.name, Runtime: "python3.13", Handler: aws.String("app.handler"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
			Code: &types.FunctionCode{ZipFile: pkg}, Publish: true,
		})
		if err := outcome(err); err != nil {
			return err
		}
		return w.published(*out.Version, sum)
	})
	if mayExist := w.code.acked != "" || len(w.code.attempted) > 1; mayExist && asError[*types.ResourceConflictException](err) {
		return w.update(ctx)
	}
	return err
}

// published remembers a version that the engine has named, and checks that its number is new.
func (w *writer) published(number, sum string) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	if w.versions[number] == sum { // nothing had changed
		return nil
	}
	if w.doubtful[number] == sum {
		delete(w.doubtful, number)
		w.versions[number] = sum
		return nil
	}
	if n <= w.last {
		return fmt.Errorf("version %s is given out again, after %d", number, w.last)
	}
	w.last = n
	w.versions[number] = sum
	return nil
}

func (w *writer) update(ctx context.Context) error {
	pkg, sum, err := w.pkg()
	if err != nil {
		return err
	}
	return w.code.write(sum, func() error {
		_, err := w.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &w.name, ZipFile: pkg})
		return outcome(err)
	})
}

func (w *writer) publish(ctx context.Context) error {
	out, err := w.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &w.name})
	if err := outcome(err); err != nil {
		return err
	}
	if !w.code.may(*out.CodeSha256) {
		return fmt.Errorf("version %s has the code %s; written was %s", *out.Version, *out.CodeSha256, &w.code)
	}
	return w.published(*out.Version, *out.CodeSha256)
}

// point maps an alias to any version.
func (w *writer) point(ctx context.Context, name string) error {
	version := "$LATEST"
	for number := range w.versions {
		version = number
		break
	}
	alias := w.aliases[name]
	err := alias.write(version, func() error {
		_, err := w.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: &w.name, Name: &name, FunctionVersion: &version})
		if asError[*types.ResourceNotFoundException](err) {
			_, err = w.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: &w.name, Name: &name, FunctionVersion: &version})
		}
		return outcome(err)
	})
	w.aliases[name] = alias
	return err
}

func (w *writer) unpoint(ctx context.Context, name string) error {
	alias := w.aliases[name]
	err := alias.write("", func() error {
		_, err := w.DeleteAlias(ctx, &lambda.DeleteAliasInput{FunctionName: &w.name, Name: &name})
		return outcome(err)
	})
	w.aliases[name] = alias
	return err
}

func (w *writer) grant(ctx context.Context) error {
	sid := fmt.Sprintf("s%d", w.n)
	_, err := w.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: &w.name, StatementId: &sid, Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com")})
	if asError[*types.PolicyLengthExceededException](err) {
		return nil
	}
	if err := outcome(err); err != nil {
		return err
	}
	w.grants = append(w.grants, sid)
	return nil
}

// resize changes the mapping, or makes it.
func (w *writer) resize(ctx context.Context) error {
	size := rand.Int32N(1000) + 1
	if w.mapping == "" {
		out, err := w.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
			EventSourceArn: &w.source, FunctionName: &w.name, StartingPosition: types.EventSourcePositionLatest, BatchSize: &size, Enabled: aws.Bool(false),
		})
		if asError[*types.ResourceConflictException](err) { // made in the engine's last moments
			return w.findMapping(ctx)
		}
		if err := outcome(err); err != nil {
			return err
		}
		w.mapping, w.batch = *out.UUID, register{acked: fmt.Sprint(size)}
		return nil
	}
	return w.batch.write(fmt.Sprint(size), func() error {
		_, err := w.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &w.mapping, BatchSize: &size})
		return outcome(err)
	})
}

func (w *writer) findMapping(ctx context.Context) error {
	out, err := w.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: &w.name})
	if err := outcome(err); err != nil {
		return err
	}
	if len(out.EventSourceMappings) != 1 {
		return fmt.Errorf("%d mappings of one pair", len(out.EventSourceMappings))
	}
	m := out.EventSourceMappings[0]
	w.mapping, w.batch = *m.UUID, register{acked: fmt.Sprint(*m.BatchSize)}
	return nil
}

func (w *writer) event(ctx context.Context) error {
	id := fmt.Sprintf("%s-%d", w.name, w.n)
	_, err := w.Invoke(ctx, &lambda.InvokeInput{FunctionName: &w.name, InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"id":"` + id + `"}`)})
	if err := outcome(err); err != nil {
		return err
	}
	w.events = append(w.events, id)
	return nil
}

// prune deletes a version, unless an alias points at it.
func (w *writer) prune(ctx context.Context) error {
	for number, sum := range w.versions {
		delete(w.versions, number)
		w.doubtful[number] = sum
		_, err := w.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &w.name, Qualifier: &number})
		if asError[*types.ResourceConflictException](err) {
			w.versions[number] = sum
			err = nil
		}
		if err := outcome(err); err != nil {
			return err
		}
		delete(w.doubtful, number)
		return nil
	}
	return nil
}

// churner creates, publishes and deletes one function over and over.
type churner struct {
	*writer
}

func (c churner) step(ctx context.Context) error {
	c.n++
	if err := c.create(ctx); err != nil {
		return err
	}
	if err := c.update(ctx); err != nil {
		return err
	}
	if err := c.publish(ctx); err != nil {
		return err
	}
	c.versions, c.doubtful = map[string]string{}, map[string]string{}
	return c.code.write("", func() error {
		_, err := c.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &c.name})
		return outcome(err)
	})
}
