package main

import (
	"os"
	"strings"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/test/served"
)

// The page says of every operation what is true, and every operation that is
// served has been called by a test.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	services, err := served.Services()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		_, section, _ := strings.Cut(string(page), "## "+s.Name+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		for _, op := range s.Operations {
			_, row, found := strings.Cut(section, "| "+op.Name+" | ")
			row, _, _ = strings.Cut(row, "\n")
			isServed := strings.HasPrefix(row, "yes |")
			switch {
			case !found || isServed != op.Served:
				t.Errorf("%s %s: the page is out of date, run `make compatibility`", s.Name, op.Name)
			case isServed && strings.HasPrefix(row, "yes |  |"):
				t.Errorf("%s %s is served, and no test has called it", s.Name, op.Name)
			}
		}
	}
}

func TestClientOf(t *testing.T) {
	for agent, want := range map[string]string{
		"aws-cli/1.45.11 md/Botocore#1.43.11 ua/2.1 Boto3/1":                                                "aws CLI",
		"Boto3/1.43.11 md/Botocore#1.43.11":                                                                 "boto3",
		"aws-sdk-go-v2/1.47.7 ua/2.1 api/lambda#1.114.2":                                                    "Go SDK",
		"aws-sdk-js/3.1 ua/2.1 os/linux":                                                                    "JavaScript SDK",
		"APN/1.0 HashiCorp/1.0 Terraform/1.11.4 terraform-provider-aws/5.100.0 aws-sdk-go-v2/1.36.3 ua/2.1": "hashicorp/aws",
		"curl/8.0": "",
	} {
		if got := clientOf(agent); got != want {
			t.Errorf("%s: %s, want %s", agent, got, want)
		}
	}
}
