package resources_test

import (
	"os"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/provider/acctest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }
