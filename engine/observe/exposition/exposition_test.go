package exposition

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/catalog"
)

func shown(x *Exposition, account string) string {
	w := httptest.NewRecorder()
	x.Handler(account).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func ref(account, name string) catalog.Ref {
	return catalog.Ref{Scope: catalog.Scope{Account: account, Region: "eu-west-1"}, Name: name}
}

// However many functions there are, only so many have series of their own.
func TestFunctionsAreBounded(t *testing.T) {
	x := New()
	for i := range maxFunctions + 50 {
		x.Function(ref("111111111111", fmt.Sprint("f", i))).Invocations.Inc()
	}
	text := shown(x, "")
	if n := strings.Count(text, "\nlambda_invocations_total{"); n != maxFunctions+1 {
		t.Errorf("%d series, want %d", n, maxFunctions+1)
	}
	if !strings.Contains(text, "\nlambda_invocations_total{account=\"\",function=\"_other\",region=\"\"} 50\n") {
		t.Error("the others are not summed up")
	}
	if x.Function(ref("111111111111", "f1").With("PROD")) != x.Function(ref("111111111111", "f1")) {
		t.Error("a qualifier makes another function")
	}
}

// Whoever asks for an account sees nothing of another.
func TestAccountsAreApart(t *testing.T) {
	x := New()
	x.Function(ref("111111111111", "mine")).Errors.Inc()
	x.Function(ref("222222222222", "theirs")).Errors.Inc()
	x.Gauges([]Gauge{{Name: "lambda_now", Help: "h", Labels: []string{"function"}}}, func(set func(int, float64, catalog.Scope, ...string)) {
		set(0, 3, catalog.Scope{Account: "111111111111"}, "mine")
		set(0, 4, catalog.Scope{Account: "222222222222"}, "theirs")
	})
	mine, all := shown(x, "111111111111"), shown(x, "")
	if strings.Contains(mine, "theirs") || !strings.Contains(mine, `lambda_now{account="111111111111",function="mine",region=""} 3`) || !strings.Contains(mine, "go_goroutines ") {
		t.Errorf("an account sees\n%s", mine)
	}
	if !strings.Contains(all, `lambda_errors_total{account="222222222222",function="theirs",region="eu-west-1"} 1`) {
		t.Errorf("all is\n%s", all)
	}
}
