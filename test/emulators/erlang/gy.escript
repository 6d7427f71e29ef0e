#!/usr/bin/env escript
%% Gy by OTP's diameter, with its own dictionary compiler (gy.dia).
%%   gy.escript client PORT IMSI SESSION   opens a session, uses it, closes it; says each answer, a line each
%%   gy.escript server PORT                answers every request with one and the same grant: the stack's own ceiling
-mode(compile).
-export([peer_up/3, peer_down/3, pick_peer/4, prepare_request/3, prepare_retransmit/3, handle_answer/4, handle_error/4,
         handle_request/3]).

-define(REALM, "localdomain").
-define(LOCATION, <<16#82, 16#99, 16#f9, 16#07, 0, 1, 16#99, 16#f9, 16#07, 0, 0, 1, 0>>).

main(["client", Port, Imsi, Session]) ->
    start("smf.localdomain"),
    true = diameter:subscribe(gy),
    {ok, _} = diameter:add_transport(gy, {connect, [{transport_module, diameter_tcp},
        {transport_config, [{raddr, {127, 0, 0, 1}}, {rport, list_to_integer(Port)}]}]}),
    receive {diameter_event, gy, {up, _, _, _, _}} -> ok after 10000 -> halt(2) end,
    Used = fun(In, Out) -> [#{'CC-Time' => [4], 'CC-Input-Octets' => [In], 'CC-Output-Octets' => [Out]}] end,
    Wanted = #{'Requested-Service-Unit' => [#{}]},
    [ask(Session, Imsi, Type, Number, Service) || {Type, Number, Service} <- [
        {1, 0, Wanted},
        {2, 1, Wanted#{'Used-Service-Unit' => Used(1000, 9000)}},
        {2, 2, Wanted#{'Used-Service-Unit' => Used(2000, 8000)}},
        {2, 2, Wanted#{'Used-Service-Unit' => Used(2000, 8000)}},
        {3, 3, #{'Used-Service-Unit' => Used(0, 5000)}}]],
    diameter:stop_service(gy),
    halt(0);
main(["server", Port]) ->
    start("ocs.localdomain"),
    {ok, _} = diameter:add_transport(gy, {listen, [{transport_module, diameter_tcp},
        {transport_config, [{ip, {127, 0, 0, 1}}, {port, list_to_integer(Port)}]}]}),
    receive after infinity -> ok end.

start(Host) ->
    Dia = filename:join(filename:dirname(filename:absname(escript:script_name())), "gy.dia"),
    {ok, [Forms]} = diameter_make:codec(Dia, [forms, return]),
    {ok, Module, Code} = compile:forms(Forms),
    {module, Module} = code:load_binary(Module, "gy.dia", Code),
    ok = diameter:start(),
    ok = diameter:start_service(gy, [{'Origin-Host', Host}, {'Origin-Realm', ?REALM}, {'Vendor-Id', 0},
        {'Product-Name', "OTP"}, {'Auth-Application-Id', [4]}, {decode_format, map}, {string_decode, false}, {strict_mbit, false},
        {application, [{dictionary, Module}, {module, ?MODULE}]}]).

ask(Session, Imsi, Type, Number, Service) ->
    Request = ['CCR' | #{'Session-Id' => "smf.localdomain;" ++ Session, 'Origin-Host' => "smf.localdomain",
        'Origin-Realm' => ?REALM, 'Destination-Realm' => ?REALM, 'Auth-Application-Id' => 4,
        'Service-Context-Id' => "32251@3gpp.org", 'CC-Request-Type' => Type, 'CC-Request-Number' => Number,
        'Subscription-Id' => [#{'Subscription-Id-Type' => 1, 'Subscription-Id-Data' => Imsi}],
        'Multiple-Services-Credit-Control' => [Service#{'Rating-Group' => [10]}],
        'Service-Information' => [#{'PS-Information' => [#{'User-Location-Info' => [?LOCATION],
            'RAT-Type' => [<<6>>]}]}]}],
    {Message, Errors} = diameter:call(gy, gy, Request, [{timeout, 5000}]),
    ['CCA' | #{'Result-Code' := Result, 'CC-Request-Number' := Number} = Answer] = Message,
    Services = maps:get('Multiple-Services-Credit-Control', Answer, []),
    Granted = [Octets || #{'Granted-Service-Unit' := [#{'CC-Total-Octets' := [Octets]}]} <- Services],
    Groups = [Group || #{'Rating-Group' := [Group]} <- Services],
    io:format("~p ~p ~p ~w ~w~n", [Number, Result, length(Errors), Groups, Granted]).

peer_up(_, _, State) -> State.
peer_down(_, _, State) -> State.
pick_peer([Peer | _], _, _, _) -> {ok, Peer}.
prepare_request(Packet, _, _) -> {send, Packet}.
prepare_retransmit(Packet, _, _) -> {send, Packet}.
%% The packet is a record: header, AVPs, message, octets, errors.
handle_answer(Packet, _, _, _) -> {element(4, Packet), element(6, Packet)}.
handle_error(Reason, _, _, _) -> exit(Reason).

handle_request(Packet, _, {_, Caps}) ->
    #{'Session-Id' := Session, 'CC-Request-Type' := Type, 'CC-Request-Number' := Number} = tl(element(4, Packet)),
    {Host, _} = element(2, Caps),
    {Realm, _} = element(3, Caps),
    {reply, ['CCA' | #{'Session-Id' => Session, 'Result-Code' => 2001, 'Origin-Host' => Host, 'Origin-Realm' => Realm,
        'Auth-Application-Id' => 4, 'CC-Request-Type' => Type, 'CC-Request-Number' => Number,
        'Multiple-Services-Credit-Control' => [#{'Granted-Service-Unit' => [#{'CC-Total-Octets' => [1000000]}],
            'Result-Code' => [2001], 'Validity-Time' => [600]}]}]}.
