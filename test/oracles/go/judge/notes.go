package main

import (
	"bytes"
	"errors"
	"fmt"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	f_proof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// openCheckpoint demands a valid signature of the log (x/mod) and a checkpoint of its origin (formats).
func openCheckpoint(text []byte, vkey string, others ...note.Verifier) (*f_log.Checkpoint, *note.Note, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, nil, err
	}
	head, rest, opened, err := f_log.ParseCheckpoint(text, verifier.Name(), verifier, others...)
	if err != nil {
		return nil, nil, err
	}
	if len(rest) > 0 {
		return nil, nil, errors.New("the checkpoint has extension lines")
	}
	if len(head.Hash) != rfc6962.DefaultHasher.Size() {
		return nil, nil, errors.New("the root hash does not have 32 bytes")
	}
	return head, opened, nil
}

func judgeCheckpoint(q Question) error {
	head, _, err := openCheckpoint([]byte(q.Note), q.Vkey)
	if err != nil {
		return err
	}
	if int64(head.Size) != q.Second || !bytes.Equal(head.Hash, q.Root2) {
		return errors.New("the checkpoint says another size or root")
	}
	return nil
}

func judgeCosignature(q Question) error {
	witness, err := f_note.NewVerifierForCosignatureV1(q.Witness)
	if err != nil {
		return err
	}
	_, opened, err := openCheckpoint([]byte(q.Note), q.Vkey, witness)
	if err != nil {
		return err
	}
	for _, signature := range opened.Sigs {
		if signature.Name == witness.Name() && signature.Hash == witness.KeyHash() {
			_, err := f_note.CoSigV1Timestamp(signature)
			return err
		}
	}
	return fmt.Errorf("no cosignature by %s", witness.Name())
}

// judgeProof reads a tlog-proof file with formats and verifies it with merkle and x/mod.
func judgeProof(q Question) error {
	var file f_proof.TLogProof
	if err := file.Unmarshal([]byte(q.Proof)); err != nil {
		return err
	}
	head, _, err := openCheckpoint(file.Checkpoint, q.Vkey)
	if err != nil {
		return err
	}
	hashes := make([][]byte, len(file.Hashes))
	for i := range file.Hashes {
		hashes[i] = file.Hashes[i][:]
	}
	return verifyInclusion(int64(file.Index), int64(head.Size), q.Leaf, hashes, head.Hash)
}

func judgeInclusion(q Question) error {
	return verifyInclusion(q.Index, q.Second, q.Leaf, q.Hashes, q.Root2)
}

func verifyInclusion(index, size int64, leaf []byte, hashes [][]byte, root []byte) error {
	leafHash := rfc6962.DefaultHasher.HashLeaf(leaf)
	one := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), uint64(size), leafHash, hashes, root)
	list, err := toHashes(hashes)
	if err != nil {
		return err
	}
	other := tlog.CheckRecord(list, size, toHash(root), index, tlog.RecordHash(leaf))
	return agree(one, other)
}

func judgeConsistency(q Question) error {
	one := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(q.First), uint64(q.Second), q.Hashes, q.Root1, q.Root2)
	list, err := toHashes(q.Hashes)
	if err != nil {
		return err
	}
	return agree(one, tlog.CheckTree(list, q.Second, toHash(q.Root2), q.First, toHash(q.Root1)))
}

// agree is an error when either judge refuses.
func agree(merkle, xmod error) error {
	if (merkle == nil) != (xmod == nil) {
		return fmt.Errorf("the judges disagree: merkle %v, x/mod %v", merkle, xmod)
	}
	return merkle
}

func toHashes(list [][]byte) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(list))
	for i, one := range list {
		if len(one) != tlog.HashSize {
			return nil, errors.New("a hash does not have 32 bytes")
		}
		hashes[i] = toHash(one)
	}
	return hashes, nil
}

func toHash(bytes []byte) (hash tlog.Hash) {
	copy(hash[:], bytes)
	return hash
}
