/**
 * What protoc 35 and the Python library of Protobuf (7.36) made of these files: descriptor sets, as
 * `protoc --include_imports --descriptor_set_out` writes them, and messages.
 */

export const commonText = `syntax = "proto3";
package acme.common;
message Money { int64 units = 1; string currency = 2; }
`

export const orderText = `syntax = "proto3";
package acme;
import "google/protobuf/timestamp.proto";
import "common.proto";
enum Status { UNKNOWN = 0; OPEN = 1; SHIPPED = 2; }
message Customer { string name = 1; }
message Order {
  message Line { string sku = 1; int32 amount = 2; repeated double discounts = 3; }
  sint64 id = 1;
  Status status = 2;
  optional int32 priority = 3;
  repeated Line lines = 4;
  map<string, acme.common.Money> prices = 5;
  map<int32, Status> history = 6;
  google.protobuf.Timestamp at = 7;
  oneof contact { string email = 8; Customer customer = 9; }
  repeated fixed32 marks = 10;
  bytes raw = 11;
  bool paid = 12;
  float weight = 13;
  uint32 count = 14;
  uint64 big = 15;
  string note = 16;
}
`

export const legacyText = String.raw`syntax = "proto2";
package acme.legacy;
message Event {
  enum Kind { NONE = 0; CLICK = 4; }
  required string id = 1;
  optional int32 retries = 2 [default = -3];
  optional Kind kind = 3 [default = CLICK];
  repeated int32 plain = 4;
  repeated int32 packed = 5 [packed = true];
  optional group Detail = 6 { optional string text = 7; }
  optional double ratio = 8 [default = inf];
  optional bytes key = 9 [default = "\001a\n"];
}
`

export const editionText = `edition = "2023";
package acme.edition;
message Note {
  string text = 1;
  int32 stars = 2 [features.field_presence = IMPLICIT];
  repeated int32 tags = 3 [features.repeated_field_encoding = EXPANDED];
  Note.Inner inner = 4 [features.message_encoding = DELIMITED];
  message Inner { int32 x = 1; }
}
`

export const orderSet = setOf([
  'Cv8BCh9nb29nbGUvcHJvdG9idWYvdGltZXN0YW1wLnByb3RvEg9nb29nbGUucHJvdG9idWYiOwoJVGltZXN0YW1wEhgKB3Nl',
  'Y29uZHMYASABKANSB3NlY29uZHMSFAoFbmFub3MYAiABKAVSBW5hbm9zQoUBChNjb20uZ29vZ2xlLnByb3RvYnVmQg5UaW1l',
  'c3RhbXBQcm90b1ABWjJnb29nbGUuZ29sYW5nLm9yZy9wcm90b2J1Zi90eXBlcy9rbm93bi90aW1lc3RhbXBwYvgBAaICA0dQ',
  'QqoCHkdvb2dsZS5Qcm90b2J1Zi5XZWxsS25vd25UeXBlc2IGcHJvdG8zCl4KDGNvbW1vbi5wcm90bxILYWNtZS5jb21tb24i',
  'OQoFTW9uZXkSFAoFdW5pdHMYASABKANSBXVuaXRzEhoKCGN1cnJlbmN5GAIgASgJUghjdXJyZW5jeWIGcHJvdG8zCokHCgtv',
  'cmRlci5wcm90bxIEYWNtZRofZ29vZ2xlL3Byb3RvYnVmL3RpbWVzdGFtcC5wcm90bxoMY29tbW9uLnByb3RvIh4KCEN1c3Rv',
  'bWVyEhIKBG5hbWUYASABKAlSBG5hbWUi7gUKBU9yZGVyEg4KAmlkGAEgASgSUgJpZBIkCgZzdGF0dXMYAiABKA4yDC5hY21l',
  'LlN0YXR1c1IGc3RhdHVzEh8KCHByaW9yaXR5GAMgASgFSAFSCHByaW9yaXR5iAEBEiYKBWxpbmVzGAQgAygLMhAuYWNtZS5P',
  'cmRlci5MaW5lUgVsaW5lcxIvCgZwcmljZXMYBSADKAsyFy5hY21lLk9yZGVyLlByaWNlc0VudHJ5UgZwcmljZXMSMgoHaGlz',
  'dG9yeRgGIAMoCzIYLmFjbWUuT3JkZXIuSGlzdG9yeUVudHJ5UgdoaXN0b3J5EioKAmF0GAcgASgLMhouZ29vZ2xlLnByb3Rv',
  'YnVmLlRpbWVzdGFtcFICYXQSFgoFZW1haWwYCCABKAlIAFIFZW1haWwSLAoIY3VzdG9tZXIYCSABKAsyDi5hY21lLkN1c3Rv',
  'bWVySABSCGN1c3RvbWVyEhQKBW1hcmtzGAogAygHUgVtYXJrcxIQCgNyYXcYCyABKAxSA3JhdxISCgRwYWlkGAwgASgIUgRw',
  'YWlkEhYKBndlaWdodBgNIAEoAlIGd2VpZ2h0EhQKBWNvdW50GA4gASgNUgVjb3VudBIQCgNiaWcYDyABKARSA2JpZxISCgRu',
  'b3RlGBAgASgJUgRub3RlGk4KBExpbmUSEAoDc2t1GAEgASgJUgNza3USFgoGYW1vdW50GAIgASgFUgZhbW91bnQSHAoJZGlz',
  'Y291bnRzGAMgAygBUglkaXNjb3VudHMaTQoLUHJpY2VzRW50cnkSEAoDa2V5GAEgASgJUgNrZXkSKAoFdmFsdWUYAiABKAsy',
  'Ei5hY21lLmNvbW1vbi5Nb25leVIFdmFsdWU6AjgBGkgKDEhpc3RvcnlFbnRyeRIQCgNrZXkYASABKAVSA2tleRIiCgV2YWx1',
  'ZRgCIAEoDjIMLmFjbWUuU3RhdHVzUgV2YWx1ZToCOAFCCQoHY29udGFjdEILCglfcHJpb3JpdHkqLAoGU3RhdHVzEgsKB1VO',
  'S05PV04QABIICgRPUEVOEAESCwoHU0hJUFBFRBACYgZwcm90bzM=',
])

/** An order as the Python library writes it, in hexadecimal digits. */
export const orderMessage =
  '0899011002180022200a016110feffffffffffffffff011a10000000000000e03f000000000000004022002a0e0a017812090881808080808080102a0a0a017912051203455552320d08ffffffffffffffffff0110003204080310013a0b08d983e2b10610959aef3a4a050a03416461520801000000ffffffff5a0200ff60016d0000c03f70ffffffff0f78ffffffffffffffffff01'

export const legacySet = setOf([
  'Ct0CCgxsZWdhY3kucHJvdG8SC2FjbWUubGVnYWN5Ir8CCgVFdmVudBIOCgJpZBgBIAIoCVICaWQSHAoHcmV0cmllcxgCIAEo',
  'BToCLTNSB3JldHJpZXMSMgoEa2luZBgDIAEoDjIXLmFjbWUubGVnYWN5LkV2ZW50LktpbmQ6BUNMSUNLUgRraW5kEhQKBXBs',
  'YWluGAQgAygFUgVwbGFpbhIaCgZwYWNrZWQYBSADKAVCAhABUgZwYWNrZWQSMQoGZGV0YWlsGAYgASgKMhkuYWNtZS5sZWdh',
  'Y3kuRXZlbnQuRGV0YWlsUgZkZXRhaWwSGQoFcmF0aW8YCCABKAE6A2luZlIFcmF0aW8SGQoDa2V5GAkgASgMOgdcMDAxYVxu',
  'UgNrZXkaHAoGRGV0YWlsEhIKBHRleHQYByABKAlSBHRleHQiGwoES2luZBIICgROT05FEAASCQoFQ0xJQ0sQBA==',
])

export const editionSet = setOf([
  'Cs0BCg1lZGl0aW9uLnByb3RvEgxhY21lLmVkaXRpb24ioAEKBE5vdGUSEgoEdGV4dBgBIAEoCVIEdGV4dBIbCgVzdGFycxgC',
  'IAEoBUIFqgECCAJSBXN0YXJzEhkKBHRhZ3MYAyADKAVCBaoBAhgCUgR0YWdzEjUKBWlubmVyGAQgASgLMhguYWNtZS5lZGl0',
  'aW9uLk5vdGUuSW5uZXJCBaoBAigCUgVpbm5lchoVCgVJbm5lchIMCgF4GAEgASgFUgF4YghlZGl0aW9uc3DoBw==',
])

function setOf(parts: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(parts.join(''), 'base64'))
}
