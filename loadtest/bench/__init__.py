"""`make bench`: what a request costs in CPU time, beside what it could cost and what it often does.

The stack is started (`stack`), each profile says what is compared with what (`profiles`), rounds of
load are sent (`rounds`; `burst` in the box that has wrk), and the ratios are told (`report`).
"""
