package runtimes

import (
	"archive/zip"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// The interface client for Java is source, as class files would be of some
// version, and whoever writes Java functions has a compiler.
//
//go:embed clients/java
var javaClient embed.FS

// java returns what boots Java functions with this machine's JDK. The client is
// compiled into clientDir when it has not been yet.
func (r Runtime) java(clientDir string) (argv []string, note string, err error) {
	const remedy = "install a JDK (Debian: apt-get install default-jdk-headless), or use Docker"
	said, err := exec.Command("java", "-version").CombinedOutput()
	if err != nil {
		return nil, "", fmt.Errorf("runtime %s needs java and javac on the engine's PATH: %s", r.Name, remedy)
	}
	dir := filepath.Join(clientDir, "java")
	bootstrap := filepath.Join(dir, "bootstrap")
	if _, err := os.Stat(bootstrap); err != nil {
		if _, err := exec.LookPath("javac"); err != nil {
			return nil, "", fmt.Errorf("runtime %s needs javac on the engine's PATH, and there is a JRE only: %s", r.Name, remedy)
		}
		if err := buildJava(dir); err != nil {
			return nil, "", fmt.Errorf("runtime %s: compile the interface client: %w", r.Name, err)
		}
	}
	wanted, _, _ := strings.Cut(r.Version, ".")
	if has := javaVersion(string(said)); has != wanted {
		note = fmt.Sprintf("java on the PATH is of version %s: running %s functions with that", has, r.Name)
	}
	return []string{bootstrap}, note, nil
}

var versionSaid = regexp.MustCompile(`version "(?:1\.)?(\d+)`)

// javaVersion finds the major version in what `java -version` says.
func javaVersion(said string) string {
	if m := versionSaid.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return "unknown"
}

// buildJava makes dir: the client as a jar, the interface of aws-lambda-java-core as
// another, an archive of the client's loaded classes, which saves much of its start,
// and at last what boots it.
func buildJava(dir string) error {
	if err := os.RemoveAll(dir); err != nil { // of an attempt that failed
		return err
	}
	sources, err := fs.Sub(javaClient, "clients/java")
	if err != nil {
		return err
	}
	work := filepath.Join(dir, "build")
	if err := os.CopyFS(work, sources); err != nil {
		return err
	}
	classes := filepath.Join(work, "classes")
	if err := compile(work, classes); err != nil {
		return err
	}
	jar := filepath.Join(dir, "client.jar")
	if err := writeJar(jar, classes, "lambdaform"); err != nil {
		return err
	}
	if err := writeJar(filepath.Join(dir, "core.jar"), classes, "com"); err != nil {
		return err
	}
	// Java 13 and later can; with others there is none, and no harm in it.
	_ = exec.Command("java", "-XX:+UseSerialGC", "-XX:ArchiveClassesAtExit="+filepath.Join(dir, "client.jsa"), "-cp", jar, "lambdaform.Rehearsal").Run()
	bootstrap := filepath.Join(work, "bootstrap")
	if err := os.Chmod(bootstrap, 0o755); err != nil {
		return err
	}
	if err := os.Rename(bootstrap, filepath.Join(dir, "bootstrap")); err != nil {
		return err
	}
	return os.RemoveAll(work)
}

// compile makes class files of all sources below a directory.
func compile(sources, classes string) error {
	args := []string{
		"-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1", // it does not live long
		"-source", "8", "-target", "8", "-Xlint:-options", "-nowarn", "-proc:none", "-encoding", "UTF-8", "-d", classes,
	}
	if err := filepath.WalkDir(sources, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".java") {
			args = append(args, path)
		}
		return err
	}); err != nil {
		return err
	}
	if err := os.Mkdir(classes, 0o755); err != nil {
		return err
	}
	if out, err := exec.Command("javac", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("javac: %w: %s", err, out)
	}
	return nil
}

// writeJar packs the class files of a package and those below it. The client lets the
// function's code look into java.io, as AWS's does.
func writeJar(path, classes, top string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	jar := zip.NewWriter(file)
	manifest, err := jar.Create("META-INF/MANIFEST.MF")
	if err != nil {
		return err
	}
	if _, err := manifest.Write([]byte("Manifest-Version: 1.0\nMain-Class: lambdaform.Main\nAdd-Opens: java.base/java.io\n")); err != nil {
		return err
	}
	files := os.DirFS(classes)
	if err := fs.WalkDir(files, top, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		member, err := jar.Create(name)
		if err != nil {
			return err
		}
		_, err = member.Write(data)
		return err
	}); err != nil {
		return err
	}
	return jar.Close()
}
