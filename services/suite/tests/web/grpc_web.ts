// A page that calls Roster over gRPC-Web, from wherever it is served. Each function
// answers what can be said in JSON: an answer, or the failure in its place.

import { GrpcWebFetchTransport } from "@protobuf-ts/grpcweb-transport";
import { RpcError } from "@protobuf-ts/runtime-rpc";
import { User } from "@contracts/roster/identity/v1/user";
import { ListUsersRequest } from "@contracts/roster/identity/v1/user_admin_service";
import { UserAdminServiceClient } from "@contracts/roster/identity/v1/user_admin_service.client";
import { LoginResponse } from "@contracts/roster/session/v1/session_service";
import { SessionServiceClient } from "@contracts/roster/session/v1/session_service.client";

// How calls go: to where, as bytes or as text, in whose name, and whether cookies
// go along.
interface Way {
  edge: string;
  format: "binary" | "text";
  token?: string;
  credentials?: RequestCredentials;
}

// More than any call takes: it is there to be sent.
const TIMEOUT_MS = 60_000;

function transport({ edge, format, token, credentials }: Way): GrpcWebFetchTransport {
  return new GrpcWebFetchTransport({
    baseUrl: edge,
    format,
    timeout: TIMEOUT_MS,
    meta: token ? { authorization: `Bearer ${token}` } : {},
    fetchInit: { credentials: credentials ?? "omit" },
  });
}

async function outcome<T>(answer: Promise<T>) {
  try {
    return { answer: await answer };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const { code, meta } = error;
    // This client hands the message on as it was sent.
    const message = decodeURIComponent(error.message);
    return { failure: { code, message, details: meta["grpc-status-details-bin"] ?? "" } };
  }
}

export function login(way: Way, username: string, password: string) {
  const sessions = new SessionServiceClient(transport(way));
  const call = sessions.login({ username, password, rememberMe: false });
  return outcome(call.response.then((response) => LoginResponse.toJson(response)));
}

export function listUsers(way: Way) {
  const users = new UserAdminServiceClient(transport(way));
  const call = users.listUsers(ListUsersRequest.create({ orderBy: "username" }));
  return outcome(call.response.then(({ users }) => users.map((user) => User.toJson(user))));
}

export function getUser(way: Way, userId: string) {
  const users = new UserAdminServiceClient(transport(way));
  const call = users.getUser({ userId });
  return outcome(call.response.then(({ user }) => user && User.toJson(user)));
}

// Every message of the stream: a record by its kind, the end by what it is.
export function exportUserData(way: Way, userId: string) {
  const users = new UserAdminServiceClient(transport(way));
  const read = async () => {
    const parts: string[] = [];
    for await (const { part } of users.exportUserData({ userId }).responses) {
      parts.push(part.oneofKind === "record" ? part.record.kind : String(part.oneofKind));
    }
    return parts;
  };
  return outcome(read());
}
