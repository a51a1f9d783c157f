package sandboxtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lambdaform/terraform-provider-lambda/engine/sandbox"
)

// layers are found in /opt, or wherever the driver has it.
func (s Suite) layers(t *testing.T) {
	bootstrap, err := os.ReadFile(filepath.Join(Go(t).Dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	const tool = "#!/bin/sh\nprintf tool"
	for _, tc := range []struct {
		name, language, runtime string
		own                     bool // of our interface clients and AWS's images, not of the stand-ins
		code, layers            map[string]string
		event, want             string
	}{
		{
			name: "python", language: "python", runtime: Python().Runtime,
			code: map[string]string{
				"app.py":  "import subprocess, here, both, packaged\ndef handler(event, context):\n    return [here.says, both.says, packaged.says, subprocess.check_output(['layertool']).decode()]\n",
				"here.py": "says = 'task'",
			},
			layers: map[string]string{
				"python/here.py": "says = 'layer'", "python/both.py": "says = 'python'", "bin/layertool": tool,
				"python/lib/python3.13/site-packages/both.py": "says = 'site'", "python/lib/python3.13/site-packages/packaged.py": "says = 'packaged'",
			},
			event: `{}`, want: `["task","site","packaged","tool"]`,
		},
		{
			name: "pth", language: "python", runtime: Python().Runtime, own: true,
			code:   map[string]string{"app.py": "import extra\ndef handler(event, context):\n    return extra.says\n"},
			layers: map[string]string{"python/paths.pth": "more\n", "python/more/extra.py": "says = 'extra'"},
			event:  `{}`, want: `"extra"`,
		},
		{
			name: "require", language: "node", runtime: Node().Runtime,
			code: map[string]string{
				"app.js":                     "const said = [require('mine'), require('layered'), require('versioned'), require('child_process').execSync('layertool').toString()];\nexports.handler = async () => said;\n",
				"node_modules/mine/index.js": "module.exports = 'task'",
			},
			layers: map[string]string{
				"nodejs/node_modules/mine/index.js": "module.exports = 'layer'", "nodejs/node_modules/layered/index.js": "module.exports = 'layered'",
				"nodejs/node_modules/versioned/index.js": "module.exports = 'any'", "nodejs/node22/node_modules/versioned/index.js": "module.exports = '22'",
				"bin/layertool": tool,
			},
			event: `{}`, want: `["task","layered","22","tool"]`,
		},
		{
			name: "import", language: "node", runtime: Node().Runtime,
			code: map[string]string{"app.mjs": "import layered from 'layered';\nimport { handler as inner } from 'layered/deep.js';\nexport const handler = async () => [layered, inner];\n"},
			layers: map[string]string{
				"nodejs/node_modules/layered/package.json": `{"type":"module","exports":{".":"./main.js","./deep.js":"./deep.js"}}`,
				"nodejs/node_modules/layered/main.js":      "export default 'layered'", "nodejs/node_modules/layered/deep.js": "export const handler = 'deep'",
			},
			event: `{}`, want: `["layered","deep"]`,
		},
		{
			name: "bootstrap", language: "go", runtime: Go(t).Runtime,
			code: map[string]string{"data": ""}, layers: map[string]string{"bootstrap": string(bootstrap)},
			event: `{"from":"a layer"}`, want: `{"from":"a layer"}`,
		},
	} {
		if s.Only != "" && s.Only != tc.language || tc.own && s.Isolates {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			f := Function{Name: "layered", Runtime: tc.runtime, Handler: "app.handler", Dir: directory(t, tc.code)}
			s.start(t, f, func(spec *sandbox.Spec) { spec.LayersDir = directory(t, tc.layers) }).want(tc.event, tc.want)
		})
	}
}

// directory makes one with executable files by name.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
