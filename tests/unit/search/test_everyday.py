"""Sixty words that staff type every day: each finds a situation it belongs to, nearly always first."""

from lessons.search import Index

#: A word and the situations whose templates serve.
EVERYDAY = """
借新还旧 collection-loan-for-loan
秒批 branch-lobby-shouting process-application-rejected process-opaque-approval
套现 branch-anti-fraud-card process-old-customer-no-limit
断供 unmet-interest-free-extension pressure-group-complaint unmet-early-negotiation
爆仓 securities-forced-liquidation securities-margin-call-nagging
催收电话太多 collection-contact-frequency
催得太紧 collection-contact-frequency collection-kpi-driven
半夜打电话 collection-contact-frequency unmet-marketing-calls
延期还款 collection-kpi-driven unmet-interest-free-extension unmet-early-negotiation
打折还 collection-npl-negotiation collection-huge-interest-waiver
法院起诉 collection-borrowed-on-merit unmet-illegal-contract-claim
会坐牢吗 collection-borrowed-on-merit
利息怎么算 collection-compound-interest collection-rate-too-high collection-loan-for-loan
扣款失败 agent-early-repayment-delay process-posting-delay-credit
零利息 branch-credit-card-dispute
信用卡被降额 process-old-customer-no-limit process-low-limit-cancel
卡刷不了 branch-anti-fraud-card process-low-limit-cancel process-salary-card-frozen process-hospital-frozen-card
非柜面 branch-anti-fraud-card process-salary-card-frozen
公安冻结 process-salary-card-frozen branch-anti-fraud-card
取不了钱 process-salary-card-frozen branch-anti-fraud-card process-hospital-frozen-card
大额转账 process-transfer-limit-emergency process-fund-usage-question
被骗转账 privacy-fraud-vs-marketing-sms process-fund-usage-question securities-data-sold
密码错误 securities-newbie
人脸不通过 process-salary-card-frozen process-self-service-denied
代取款 process-hospital-frozen-card branch-business-failed
证明材料 branch-business-failed collection-gave-everything agent-inconsistent-answers
系统故障 branch-long-wait
叫号慢 branch-long-wait branch-missed-number
窗口太少 branch-long-wait
周末不上班 branch-opening-hours
服务态度 agent-attitude-disputed privacy-security-guard-respect
客服推诿 agent-multiple-transfers securities-commission-runaround agent-inconsistent-answers
没人回电话 agent-incompetent-accusation agent-multiple-transfers unmet-solve-on-this-call
写检讨 agent-not-my-fault-apology
要录音 branch-credit-card-dispute agent-accused-of-cursing securities-forced-liquidation unmet-third-party-contact
抑郁症 pressure-self-harm
上访 pressure-regulator-threat
12378 pressure-regulator-threat
律师 unmet-illegal-contract-claim collection-borrowed-on-merit privacy-agent-complainant
保本 securities-fund-manager-blame branch-fund-insurance-loss process-wealth-return-shortfall
净值下跌 branch-fund-insurance-loss process-wealth-return-shortfall securities-portfolio-loss
保险退不了 branch-fund-insurance-loss privacy-right-to-choose
误导老人 branch-fund-insurance-loss privacy-pension-account-opened
套牢 securities-portfolio-loss
推荐股票 securities-portfolio-loss securities-collateral-removed securities-data-sold
两融 securities-collateral-removed securities-margin-call-nagging
新股弃购 securities-ipo-unpaid
转户 securities-commission-unequal
赎回到账 securities-redemption-rule
骚扰短信 unmet-marketing-calls privacy-fraud-vs-marketing-sms
锁卡 branch-anti-fraud-card process-salary-card-frozen process-hospital-frozen-card
逼债 collection-kpi-driven collection-contact-frequency pressure-self-harm
要死要活 pressure-self-harm pressure-merchant-credit
耍赖 branch-deliberate-disturbance collection-borrowed-on-merit
爱答不理 agent-attitude-disputed privacy-security-guard-respect
查账 unmet-historic-records
拉群 securities-data-sold
股票跌了 securities-portfolio-loss
公检法 process-salary-card-frozen process-fund-usage-question privacy-fraud-vs-marketing-sms
书面回复 unmet-illegal-contract-claim process-internal-undisclosed pressure-ask-for-leader collection-compound-interest
自动扣款 agent-early-repayment-delay process-posting-delay-credit pressure-civil-servant-credit process-low-limit-cancel
冒名贷款 process-self-service-denied collection-credit-fix-demand
"""


def test_everyday_words_find_something_sensible(shipped: Index) -> None:
    first = 0
    rows = [line.split() for line in EVERYDAY.strip().splitlines()]
    for word, *situations in rows:
        right = [not set(situations).isdisjoint(hit.situations) for hit in shipped.search(word, 3)]
        assert any(right), word
        first += right[0]
    assert first >= 0.95 * len(rows)
