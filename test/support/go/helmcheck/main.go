// helmcheck lints and renders a chart with Helm's own packages (what `helm lint --strict` and `helm template` call) and decodes every rendered
// object strictly with the Kubernetes API types: an unknown field or a wrong type is an error. Prints the objects as a JSON array.
// Usage: helmcheck CHART VALUES|- [KIND...]. KINDs are custom resources that have no API type here and are only parsed.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/releaseutil"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

const namespace = "evidence"

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: helmcheck CHART VALUES|- [KIND...]")
		os.Exit(2)
	}
	path, custom := os.Args[1], os.Args[3:]
	values := chartutil.Values{}
	if os.Args[2] != "-" {
		read, err := chartutil.ReadValuesFile(os.Args[2])
		check(err)
		values = read
	}
	linted := lint.All(path, values, namespace, true)
	failed := false
	for _, message := range linted.Messages {
		fmt.Fprintln(os.Stderr, message)
		failed = failed || message.Severity > 1
	}
	if failed {
		os.Exit(1)
	}

	loaded, err := loader.Load(path)
	check(err)
	release := chartutil.ReleaseOptions{Name: "affiant", Namespace: namespace, IsInstall: true, Revision: 1}
	rendering, err := chartutil.ToRenderValues(loaded, values, release, chartutil.DefaultCapabilities)
	check(err)
	files, err := engine.Render(loaded, rendering)
	check(err)

	strict := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, serializer.SerializerOptions{Yaml: true, Strict: true})
	objects := []any{}
	for _, name := range sortedKeys(files) {
		if filepath.Ext(name) != ".yaml" {
			continue
		}
		documents := releaseutil.SplitManifests(files[name])
		for _, key := range sortedKeys(documents) {
			document := documents[key]
			var object map[string]any
			check(yaml.UnmarshalStrict([]byte(document), &object))
			if len(object) == 0 {
				continue
			}
			kind, _ := object["kind"].(string)
			if !slices.Contains(custom, kind) {
				if _, _, err := strict.Decode([]byte(document), nil, nil); err != nil {
					check(fmt.Errorf("%s: %s: %w", name, kind, err))
				}
			}
			objects = append(objects, object)
		}
	}
	notes := ""
	for name, text := range files {
		if strings.HasSuffix(name, "NOTES.txt") {
			notes = text
		}
	}
	out, err := json.Marshal(map[string]any{"objects": objects, "notes": notes})
	check(err)
	os.Stdout.Write(out)
}

func sortedKeys(from map[string]string) []string {
	keys := make([]string, 0, len(from))
	for key := range from {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
