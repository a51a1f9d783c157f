package sandboxtest

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Java is a Java function, out of a shaded jar.
func Java(tb testing.TB) Function {
	tb.Helper()
	return Function{Name: "java", Runtime: "java21", Handler: "example.App::handle", Dir: filepath.Join(javaFunctions(tb), "shaded")}
}

// OfficialJava is what boots Java functions with AWS's interface client.
func OfficialJava(tb testing.TB) []string {
	tb.Helper()
	command, err := officialJava()
	if err != nil {
		tb.Fatal(err)
	}
	return command
}

var officialJava = sync.OnceValues(func() ([]string, error) {
	project := filepath.Join(testdata(), "..", "..", "..", "..", "images", "java")
	lib, err := cached(project, func(dir string) error {
		if err := maven(project, "dependency:copy-dependencies", "-DoutputDirectory="+dir); err != nil {
			return err
		}
		clients, err := filepath.Glob(filepath.Join(dir, "*-interface-client-*.jar"))
		if err != nil || len(clients) != 1 {
			return fmt.Errorf("interface clients: %v %w", clients, err)
		}
		return unzip(clients[0], filepath.Join(dir, "client"))
	})
	if err != nil {
		return nil, err
	}
	jars, err := filepath.Glob(filepath.Join(lib, "*.jar"))
	if err != nil {
		return nil, err
	}
	archive := lib + ".jsa" // of classes, as the images have it
	// By itself the client unpacks this to one place in /tmp, whoever else does.
	native := filepath.Join(lib, "client", "jni", "libaws-lambda-jni.linux-"+map[string]string{"amd64": "x86_64", "arm64": "aarch_64"}[goruntime.GOARCH]+".so")
	command := []string{
		"java", "-XX:MaxHeapSize=217m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:SharedArchiveFile=" + archive, "-Xlog:disable",
		"-Dcom.amazonaws.services.lambda.runtime.api.client.runtimeapi.NativeClient.JNI=" + native,
		"--add-opens=java.base/java.io=ALL-UNNAMED", "-cp", strings.Join(jars, ":"), "com.amazonaws.services.lambda.runtime.api.client.AWSLambda",
	}
	if _, err := os.Stat(archive); err != nil {
		start := slices.Replace(slices.Clone(command), 4, 5, "-XX:ArchiveClassesAtExit="+archive)
		rehearsal := exec.Command(start[0], append(start[1:], "java.util.Objects::toString")...)
		rehearsal.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1")
		_ = rehearsal.Run() // it fails for want of a Runtime API
	}
	return command, nil
})

func javaFunctions(tb testing.TB) string {
	tb.Helper()
	dir, err := buildJava()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

// buildJava makes the Java functions as people do, and unpacks them as the engine
// does: "shaded" is a jar with everything in it, "zipped" has its libraries in lib,
// and "bare" lacks them.
var buildJava = sync.OnceValues(func() (string, error) {
	project := filepath.Join(testdata(), "java")
	return cached(project, func(dir string) error {
		target := filepath.Join(dir, "target")
		if err := maven(project, "package", "-Dinto="+target); err != nil {
			return err
		}
		return errors.Join(
			unzip(filepath.Join(target, "all.jar"), filepath.Join(dir, "shaded")),
			unzip(filepath.Join(target, "functions-1.jar"), filepath.Join(dir, "zipped")),
			unzip(filepath.Join(target, "functions-1.jar"), filepath.Join(dir, "bare")),
			os.Rename(filepath.Join(target, "lib"), filepath.Join(dir, "zipped", "lib")),
			os.RemoveAll(target),
		)
	})
})

func maven(project string, args ...string) error {
	cmd := exec.Command("mvn", append([]string{"--batch-mode", "--quiet", "-f", filepath.Join(project, "pom.xml")}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mvn %v: %w: %s", args, err, out)
	}
	return nil
}

// cached makes a directory out of a project once, whichever test asks first.
func cached(project string, build func(dir string) error) (string, error) {
	sum := sha256.New()
	if err := fs.WalkDir(os.DirFS(project), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(project, name))
		_, _ = fmt.Fprintln(sum, name, len(data))
		_, _ = sum.Write(data)
		return err
	}); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "lambdaform-test", "java-"+hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(dir), "making-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := errors.Join(build(work), os.Chmod(work, 0o755)); err != nil {
		return "", err
	}
	if err := os.Rename(work, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // else another test was faster
			return "", err
		}
	}
	return dir, nil
}

func unzip(path, dir string) error {
	jar, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer func() { _ = jar.Close() }()
	return os.CopyFS(dir, jar)
}
