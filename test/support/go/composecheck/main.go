// composecheck loads a Compose file with the library that `docker compose config` uses, and prints the resolved project as JSON.
// Usage: composecheck FILE ENVFILE|- [PROFILE...]. Exit code 1 with the loader's message when the file, a variable or a reference is wrong.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: composecheck FILE ENVFILE|- [PROFILE...]")
		os.Exit(2)
	}
	options := []cli.ProjectOptionsFn{
		cli.WithProfiles(os.Args[3:]),
		cli.WithInterpolation(true),
		cli.WithConsistency(true),
		cli.WithResolvedPaths(true),
	}
	if os.Args[2] != "-" {
		options = append(options, cli.WithEnvFiles(os.Args[2]), cli.WithDotEnv)
	}
	project, err := cli.NewProjectOptions([]string{os.Args[1]}, options...)
	if err != nil {
		fail(err)
	}
	loaded, err := project.LoadProject(context.Background())
	if err != nil {
		fail(err)
	}
	out, err := json.Marshal(loaded)
	if err != nil {
		fail(err)
	}
	os.Stdout.Write(out)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
