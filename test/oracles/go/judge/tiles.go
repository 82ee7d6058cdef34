package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// reader reads C2SP tlog-tiles from a directory for x/mod, whose own paths have the height in them.
type reader struct{ dir string }

func (r reader) Height() int { return tileHeight }

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := "tile/" + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
		bytes, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

// judgeTiles reads every leaf hash through x/mod's tile reader, which checks each tile against the signed root on the way, recomputes the root
// from them, and proves consistency between the sizes asked for. The bytes of the entries are not looked at: that is fsck's part.
func judgeTiles(q Question) error {
	note, err := os.ReadFile(filepath.Join(q.Dir, "checkpoint"))
	if err != nil {
		return err
	}
	head, _, err := openCheckpoint(note, q.Vkey)
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: int64(head.Size), Hash: toHash(head.Hash)}
	if tree.N == 0 {
		empty, err := tlog.TreeHash(0, nil)
		if err == nil && !bytes.Equal(empty[:], head.Hash) {
			err = fmt.Errorf("the root of the empty tree is wrong")
		}
		return err
	}
	hashes := tlog.TileHashReader(tree, reader{q.Dir})
	indexes := make([]int64, tree.N)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	leaves, err := hashes.ReadHashes(indexes)
	if err != nil {
		return err
	}
	if root := rootOf(leaves); root != tree.Hash {
		return fmt.Errorf("the leaf hashes have another root: %s", root)
	}
	for _, size := range q.Sizes {
		old, err := tlog.TreeHash(size, hashes)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, size, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, old); err != nil {
			return err
		}
	}
	return nil
}

// rootOf folds leaf hashes by RFC 6962: the left part is the largest power of two smaller than the whole.
func rootOf(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	return tlog.NodeHash(rootOf(leaves[:split]), rootOf(leaves[split:]))
}
