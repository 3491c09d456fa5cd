-- Sessions of a pool of users, one after the other, in wrk. The files are told by the environment:
-- BENCH_TOKENS has one token per line, BENCH_BODY is what each request carries.
local requests = {}
local last = 0

function init()
  for token in io.lines(os.getenv("BENCH_TOKENS")) do
    local headers = {
      ["Authorization"] = "Bearer " .. token,
      ["Content-Type"] = "application/json",
      ["Accept"] = "application/json",
    }
    requests[#requests + 1] = wrk.format("POST", nil, headers, os.getenv("BENCH_BODY"))
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"sessions":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
