# The clients of a soak: each kind is a function that works until a deadline. Sourced by
# scripts/soak.sh; each line in the file `outcomes` is one event.
#
# Reads bin, model, out, client_endpoint, worker_endpoint.

prompts=(
    $'sleep(3) Library Functions Manual sleep(3)\n\nNAME\n sleep - suspend'
    $'NAME\n       ls - '
    'int main(void) {'
    'Es war einmal'
)
lengths=(4 16 32 64)

note() {
    echo "$*" >>"$out/outcomes"
}

# What `moiety` is asked for answer $1: a prompt, a length and a seed of its own.
answer_options() {
    local index=$1
    options=(-p "${prompts[index % 4]}" -n "${lengths[(index / 4) % 4]}" --temp 0.7
        --seed "$index" --json)
}

tokens_of() {
    sed -n 's/.*"tokens":\(\[[^]]*\]\).*/\1/p' <<<"$1"
}

# The answers of one process without a cluster: there is only one right answer to each question.
expect_answers() {
    local index answer
    local -a options
    for ((index = 0; index < 16; index++)); do
        answer_options "$index"
        answer=$("$bin/moiety" run -m "$model" "${options[@]}")
        expected[index]=$(tokens_of "$answer")
        [[ -n ${expected[index]} ]] || fail "no answer to compare with: $answer"
    done
}
declare -a expected=()

# Submits jobs one after the other and compares the answers.
client_answers() {
    local deadline=$1 index=$2 answer status
    local -a options
    while ((SECONDS < deadline)); do
        index=$(((index + 5) % 16))
        answer_options "$index"
        status=0
        answer=$("$bin/moiety" submit --attached "${options[@]}" 2>&1) || status=$?
        if ((status == 0)); then
            if [[ $(tokens_of "$answer") == "${expected[index]}" ]]; then
                note "answer right"
            else
                note "answer WRONG: $answer"
            fi
        elif [[ $answer == *"failed: "*worker* || $answer == *"failed: "*cluster* ]]; then
            note "answer failed with a worker"
        else
            note "answer FAILED: $answer"
        fi
    done
}

# Starts a job that would fill the context, and strikes its client after a moment.
strike_client() {
    local signal=$1 pause=$2 client
    "$bin/moiety" submit --attached -p "${prompts[1]}" -n 100000 --temp 1 >/dev/null 2>&1 </dev/null &
    client=$!
    sleep "$pause"
    kill "-$signal" "$client" 2>/dev/null || true
    wait "$client" 2>/dev/null || return $?
}

client_cancellations() {
    local deadline=$1 status
    while ((SECONDS < deadline)); do
        status=0
        strike_client INT "0.$((RANDOM % 10))" || status=$?
        note "job cancelled by Ctrl-C (exit $status)"
    done
}

client_killed_clients() {
    local deadline=$1
    while ((SECONDS < deadline)); do
        strike_client KILL "0.$((RANDOM % 10))" || true
        note "client killed in its stream"
        sleep 1
    done
}

client_questions() {
    local deadline=$1 question
    while ((SECONDS < deadline)); do
        for question in status nodes jobs; do
            "$bin/moiety" "$question" --json >/dev/null 2>&1 && note "$question asked" ||
                note "$question NOT ANSWERED"
        done
        sleep 0.3
    done
}

client_evaluations() {
    local deadline=$1 reply status
    while ((SECONDS < deadline)); do
        status=0
        reply=$("$bin/moiety" logits -m "$model" --coordinator "$client_endpoint" \
            --tokens 0,5,6,7,8,9,10,11 --top 5 --json 2>&1) || status=$?
        if ((status != 0)); then
            [[ $reply == *worker* || $reply == *cluster* ]] && note "evaluation failed with a worker" ||
                note "evaluation FAILED: $reply"
        elif [[ ${first_reply:=$reply} == "$reply" ]]; then
            note "evaluation right"
        else
            note "evaluation WRONG: $reply"
        fi
        sleep 0.5
    done
}

# Opens a TCP connection to an endpoint, says what is on stdin, and leaves.
visit() {
    local address=${1#tcp://}
    local host=${address%:*} port=${address##*:}
    cat >"/dev/tcp/$host/$port"
}

# ZeroMQ's greeting and handshake of a dealer, then a message of two frames that is nothing of ours.
malformed_message() {
    printf '\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL'
    head -c 48 /dev/zero
    printf '\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER'
    printf '\x01\x04junk\0\x08moremore'
    sleep 0.3 # The far end answers our greeting before it reads on.
}

# Connections that leave at once, that say nothing of ZeroMQ, and that say nothing of ours.
client_visitors() {
    local deadline=$1 endpoint
    while ((SECONDS < deadline)); do
        for endpoint in "$client_endpoint" "$worker_endpoint"; do
            visit "$endpoint" </dev/null 2>/dev/null || true
            head -c 200 /dev/urandom | visit "$endpoint" 2>/dev/null || true
            malformed_message | visit "$endpoint" 2>/dev/null || true
            note "visitor left at once"
            note "visitor spoke no ZeroMQ"
            note "visitor sent a malformed message"
        done
        sleep 0.5
    done
}
