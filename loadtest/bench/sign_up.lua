-- Each request signs somebody up who has never been here: connections, threads and rounds share no e-mail address.
local thread_count = 0

function setup(thread)
    thread:set("number", thread_count)
    thread_count = thread_count + 1
end

function init(args)
    prefix = string.format("bench-%s-%d-", args[1], number)
    count = 0
    wrk.headers["content-type"] = "application/json"
end

function request()
    count = count + 1
    local body = string.format(
        '{"email":"%s%d@bench.example","name":"Ada Bench","password":"a-long-password-of-a-bench"}', prefix, count)
    return wrk.format("POST", nil, nil, body)
end
