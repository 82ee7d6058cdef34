import { ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';

/** One version of a key, or a delete marker. */
export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly deleteMarker: boolean;
}

/** All versions of the keys that begin with `prefix`: keys in order, of each key the newest first; delete markers apart, at the end of each page. */
export async function* listVersions(client: S3Client, bucket: string, prefix: string, pageSize: number): AsyncGenerator<ObjectVersion> {
  let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, MaxKeys: pageSize, ...marker }));
    const found = [
      ...(page.Versions ?? []).map((version) => ({ ...version, deleteMarker: false })),
      ...(page.DeleteMarkers ?? []).map((version) => ({ ...version, deleteMarker: true })),
    ];
    for (const { Key, VersionId, deleteMarker } of found) {
      if (Key !== undefined) yield { key: Key, versionId: VersionId, deleteMarker };
    }
    if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return;
    marker = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextVersionIdMarker === undefined ? {} : { VersionIdMarker: page.NextVersionIdMarker }),
    };
  }
}
