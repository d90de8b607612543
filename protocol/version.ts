/**
 * The version of the wire protocol, both planes.
 *
 * It grows whenever a schema changes in a way that a peer could notice; `version.test.ts` pins it to a hash of
 * all schemas, so that no field changes without a new version and a line here.
 *
 * - 1: the first public protocol.
 */
export const PROTOCOL_VERSION = 1;

/** Versions that this server still speaks, oldest first. */
export const SUPPORTED_PROTOCOL_VERSIONS: readonly number[] = [1];
